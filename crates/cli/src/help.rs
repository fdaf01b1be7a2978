//! Texts of `--help` and `--version`.

/// `syscribe --version`
pub const VERSION: &str = concat!("syscribe ", env!("CARGO_PKG_VERSION"), "\n");

/// `syscribe --help`
pub const HELP: &str = "\
syscribe: writes down system calls in binary, shows them as text

  syscribe [options] PROG [ARGS...]     run PROG, print its calls and its children's as they complete
  syscribe [options] -p PID[,PID...]    the same for processes that run already
  syscribe record [options] PROG ...    the same into a trace directory
  syscribe record [options] -p PID      (until the processes end, or ^C)
  syscribe record [options] -a          the whole machine, until ^C
  syscribe show DIR                     text from a trace
  syscribe summary DIR                  how often each call was made, how long it took
  syscribe list syscalls|events|types [NAME...]
  syscribe check DIR                    verify a trace, say what was lost
  syscribe doctor                       what this machine allows, and what will not be seen

Which calls
  -e trace=SET    names separated by commas; all, none; !SET all others; ?NAME ignored when unknown;
                  /REGEX; %file %desc %process %network %signal %ipc %memory %creds %clock
  --table FILE    a type table to add to the built-in one (after those in /etc/syscribe/types.d and
                  ~/.config/syscribe/types.d); with show: read an old trace with newer names
Whom
  -p PID          attach to a process and its threads
  -f              accepted: children are always followed
What is kept
  -s N            bytes of strings and buffers (32)
  --fast          with record: one record a call, at its exit: half the cost, no durations, no calls that
                  never return
  --capture LIST  of single arguments: write.buf=4096,openat.filename=off
  --eager         load all probes first; else those of rare calls while PROG runs, until when such a call
                  is recorded by its registers
  --buffer-size N bytes of ring per CPU (8M)
Text
  -o FILE         write to FILE instead of standard error
  -t -tt -ttt     time of day, with microseconds, seconds since the epoch
  -r              time since the line before
  -T              time spent in the call
  -y              paths behind descriptors that were opened while tracing
  -a COLUMN       column of the result (40)
  -v              all members of structures, all entries of directories
  -q              no messages of this tool
  -c              count calls, errors and time instead of showing each call
show
  --style strace|ftrace|json
  --types         ftrace style: C types before the arguments
list
  --from DIR      the table and the events of a trace
  --format        events as format texts, as tracefs has them: for trace-cmd and what else rests on libtraceevent
Other
  --explain       print the generated programs of the selected calls
  -h, -V          help, version

Exit status: that of PROG; a PROG killed by a signal kills this tool by the same one. 1: this tool could not do what
was asked, or the trace is damaged. 3: check, or record without a program: sound, but something was lost.
";

//! The run that both tracers watch.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Conventions, and the tracee that makes the calls of each.
pub const TRACEES: [(&str, &str); 2] = [("x86_64", "every_call"), ("i386", "compat_calls")];

/// The status of `compat_calls` where the kernel has no i386 calls.
pub const NO_COMPAT: i32 = 77;

/// syscribe of `binaries` tracing strace tracing a tracee of `binaries`: strace writes to `strace`, syscribe to `ours`, both in
/// `scratch`, which is also where the tracee leaves its files.
pub fn command(binaries: &Path, scratch: &Path, tracee: &str) -> Command {
    let program = [binaries.join(tracee).into_os_string()];
    let mut command = command_of(binaries, scratch, &program);
    command.current_dir(scratch);
    command
}

/// As [`command`], with another program and its arguments, in the current directory.
pub fn command_of(binaries: &Path, scratch: &Path, program: &[OsString]) -> Command {
    let mut command = Command::new(binaries.join("syscribe"));
    // Each call is made once or a few times: its probe has to be there the first time.
    command.args(["-f", "--eager", "-o"]).arg(scratch.join("ours"));
    command.args(["strace", "-f", "-o"]).arg(scratch.join("strace"));
    command.args(program).stdin(Stdio::null());
    command
}

//! The run that both tracers watch.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// syscribe of `binaries` tracing strace tracing `every_call` of `binaries`: strace writes to `strace`, syscribe to `ours`, both in
/// `scratch`, which is also where the tracee leaves its files.
pub fn command(binaries: &Path, scratch: &Path) -> Command {
    let program = [binaries.join("every_call").into_os_string()];
    let mut command = command_of(binaries, scratch, &program);
    command.current_dir(scratch);
    command
}

/// As [`command`], with another program and its arguments, in the current directory.
pub fn command_of(binaries: &Path, scratch: &Path, program: &[OsString]) -> Command {
    let mut command = Command::new(binaries.join("syscribe"));
    command.args(["-f", "-o"]).arg(scratch.join("ours"));
    command.args(["strace", "-f", "-o"]).arg(scratch.join("strace"));
    command.args(program).stdin(Stdio::null());
    command
}

//! The run that both tracers watch.

use std::path::Path;
use std::process::{Command, Stdio};

/// syscribe tracing strace tracing `every_call`: strace writes to `strace`, syscribe to `ours`, both in `scratch`, which is
/// also where the tracee leaves its files. `binaries` has `syscribe` and `every_call`.
pub fn command(binaries: &Path, scratch: &Path) -> Command {
    let mut command = Command::new(binaries.join("syscribe"));
    command
        .args(["-f", "-o"])
        .arg(scratch.join("ours"))
        .args(["strace", "-f", "-o"])
        .arg(scratch.join("strace"));
    command.arg(binaries.join("every_call")).current_dir(scratch).stdin(Stdio::null());
    command
}

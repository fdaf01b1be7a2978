//! Starting the program to trace: it is held before `execve` until the probes are there, and its own `execve` is the first call
//! recorded.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::refusal::Error;
use crate::tasks::Tasks;

/// A program that was found and can be started.
#[derive(Debug)]
pub struct Command {
    typed: String,
    path: CString,
    args: Vec<CString>,
}

/// A child process that waits for [`Child::release`].
#[derive(Debug)]
pub struct Child {
    pid: i32,
    typed: String,
    go: Option<OwnedFd>,
    failure: OwnedFd,
    status: Option<ExitStatus>,
}

impl Command {
    /// Finds the program as a shell does, without starting anything.
    pub fn find(program: &OsStr, args: &[OsString]) -> Result<Command, Error> {
        let typed = program.to_string_lossy().into_owned();
        let failed =
            |errno| Error::Launch { program: typed.clone(), source: io::Error::from_raw_os_error(errno) };
        let path = search(program).map_err(failed)?;
        let text = |bytes: &OsStr| CString::new(bytes.as_bytes()).map_err(|_| failed(libc::EINVAL));
        let args = std::iter::once(program).chain(args.iter().map(OsString::as_os_str)).map(text);
        Ok(Command {
            path: text(path.as_os_str())?,
            args: args.collect::<Result<_, _>>()?,
            typed: typed.clone(),
        })
    }

    /// True when the program is a 32-bit one.
    pub fn is_32_bit(&self) -> bool {
        is_32_bit(Path::new(OsStr::from_bytes(self.path.as_bytes())))
    }

    /// Forks. The child waits, marks itself as traced and replaces itself by the program.
    ///
    /// To be called while this process has one thread: the child may only use what is safe after `fork`.
    pub fn start(self, tasks: &Tasks) -> Result<Child, Error> {
        let (wait, go) = pipe()?;
        let (failure, report) = pipe()?;
        let mut argv: Vec<*const libc::c_char> = self.args.iter().map(|arg| arg.as_ptr()).collect();
        argv.push(std::ptr::null());
        // SAFETY: the child runs only `become_program`, which makes system calls and one store to shared memory.
        let pid = unsafe { libc::fork() };
        match pid {
            -1 => Err(Error::call("fork")),
            0 => {
                drop(go);
                drop(failure);
                become_program(&wait, &report, tasks, &self.path, &argv)
            }
            pid => Ok(Child { pid, typed: self.typed, go: Some(go), failure, status: None }),
        }
    }
}

/// In the child. Everything between the mark and `execve` would be recorded, so nothing stands there.
fn become_program(
    wait: &OwnedFd,
    report: &OwnedFd,
    tasks: &Tasks,
    path: &CString,
    argv: &[*const libc::c_char],
) -> ! {
    let mut byte = 0_u8;
    // SAFETY: reads one byte into a live variable.
    let got = unsafe { libc::read(wait.as_raw_fd(), (&raw mut byte).cast(), 1) };
    if got != 1 {
        // The tracer has gone before it let us start.
        // SAFETY: ends the process without running destructors of the copied parent.
        unsafe { libc::_exit(1) };
    }
    // The Rust runtime ignores SIGPIPE; an ignored signal would stay ignored in the program.
    // SAFETY: sets a constant disposition.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    // SAFETY: takes nothing, always succeeds.
    let tid = unsafe { libc::getpid() };
    tasks.mark(tid);
    // SAFETY: `path` is NUL-terminated, `argv` is a null-terminated vector of NUL-terminated strings, both alive here.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), environ()) };
    tasks.unmark(tid);
    let errno = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO).to_le_bytes();
    // SAFETY: writes four bytes from a live array.
    unsafe { libc::write(report.as_raw_fd(), errno.as_ptr().cast(), errno.len()) };
    // SAFETY: as above.
    unsafe { libc::_exit(1) }
}

fn environ() -> *const *const libc::c_char {
    unsafe extern "C" {
        static environ: *const *const libc::c_char;
    }
    // SAFETY: the C library's variable; nothing changes the environment between fork and here.
    unsafe { environ }
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    let mut fds = [0; 2];
    // SAFETY: the array holds the two descriptors that the kernel writes.
    if unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(Error::call("pipe2"));
    }
    // SAFETY: just made by the kernel, owned by nobody else.
    let read = unsafe { OwnedFd::from_raw_fd(fds[0]) };
    // SAFETY: as above.
    let write = unsafe { OwnedFd::from_raw_fd(fds[1]) };
    Ok((read, write))
}

/// `PATH` search: a name with a slash is taken as it is. Gives the errno of the best reason otherwise.
fn search(program: &OsStr) -> Result<PathBuf, i32> {
    if program.as_bytes().contains(&b'/') {
        let path = PathBuf::from(program);
        return executable(&path).map(|()| path);
    }
    if program.is_empty() {
        return Err(libc::ENOENT);
    }
    let mut reason = libc::ENOENT;
    for directory in std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()) {
        let path = directory.join(program);
        match executable(&path) {
            Ok(()) => return Ok(path),
            Err(libc::EACCES) => reason = libc::EACCES,
            Err(_) => {}
        }
    }
    Err(reason)
}

/// True for the image of a 32-bit program: `EI_CLASS` of its ELF header is `ELFCLASS32`.
pub fn is_32_bit(path: &Path) -> bool {
    let mut head = [0; 5];
    let read = std::fs::File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut head));
    read.is_ok() && head == *b"\x7fELF\x01"
}

fn executable(path: &Path) -> Result<(), i32> {
    let text = CString::new(path.as_os_str().as_bytes()).map_err(|_| libc::EINVAL)?;
    let metadata = path.metadata().map_err(|e| e.raw_os_error().unwrap_or(libc::ENOENT))?;
    if metadata.is_dir() {
        return Err(libc::EACCES);
    }
    // SAFETY: the path is NUL-terminated.
    if unsafe { libc::access(text.as_ptr(), libc::X_OK) } != 0 {
        return Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EACCES));
    }
    Ok(())
}

impl Child {
    /// The child's process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Lets the child go on; returns when its `execve` has succeeded or failed.
    pub fn release(&mut self) -> Result<(), Error> {
        if let Some(go) = self.go.take() {
            // SAFETY: writes one byte from a static.
            unsafe { libc::write(go.as_raw_fd(), c"g".as_ptr().cast(), 1) };
        }
        let mut errno = [0_u8; 4];
        loop {
            // SAFETY: reads at most four bytes into a live array.
            let got = unsafe { libc::read(self.failure.as_raw_fd(), errno.as_mut_ptr().cast(), errno.len()) };
            match got {
                4 => {
                    let source = io::Error::from_raw_os_error(i32::from_le_bytes(errno));
                    return Err(Error::Launch { program: self.typed.clone(), source });
                }
                -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // The descriptor was closed by a successful execve.
                _ => return Ok(()),
            }
        }
    }

    /// The exit status, once the process has ended.
    pub fn status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            let mut raw = 0;
            // SAFETY: `raw` is a live integer for the status.
            let got = unsafe { libc::waitpid(self.pid, &raw mut raw, libc::WNOHANG) };
            if got == self.pid {
                self.status = Some(ExitStatus::from_raw(raw));
            }
        }
        self.status
    }
}

impl Drop for Child {
    /// A child that was never released ends itself when its pipe closes; it is waited for here.
    fn drop(&mut self) {
        if self.go.take().is_some() && self.status.is_none() {
            let mut raw = 0;
            // SAFETY: `raw` is a live integer for the status.
            unsafe { libc::waitpid(self.pid, &raw mut raw, 0) };
        }
    }
}

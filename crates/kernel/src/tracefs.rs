//! tracefs: where it is, and what it says about system calls.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::refusal::Error;

/// Where the kernel offers a place to mount it.
pub const MOUNT_POINT: &str = "/sys/kernel/tracing";

/// A mounted tracefs.
#[derive(Debug)]
pub struct Tracefs {
    root: PathBuf,
    mounted_now: bool,
}

impl Tracefs {
    /// The place where it is mounted, if it is.
    pub fn find() -> Option<PathBuf> {
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .find(|fields| fields.get(2) == Some(&"tracefs"))
            .and_then(|fields| fields.get(1).map(PathBuf::from))
            .filter(|root| root.join("events/syscalls").is_dir())
    }

    /// Finds it, or mounts it at [`MOUNT_POINT`].
    pub fn open() -> Result<Tracefs, Error> {
        if let Some(root) = Tracefs::find() {
            return Ok(Tracefs { root, mounted_now: false });
        }
        mount(Path::new(MOUNT_POINT))?;
        Ok(Tracefs { root: MOUNT_POINT.into(), mounted_now: true })
    }

    /// True when it was not mounted before.
    pub fn mounted_now(&self) -> bool {
        self.mounted_now
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The texts of `events/syscalls/sys_enter_*/format`, in the order of the directory.
    pub fn syscall_formats(&self) -> Result<Vec<String>, Error> {
        let directory = self.root.join("events/syscalls");
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |source| Error::File { path, source }
        };
        let mut formats = Vec::new();
        for entry in fs::read_dir(&directory).map_err(failed(&directory))? {
            let entry = entry.map_err(failed(&directory))?;
            if entry.file_name().as_encoded_bytes().starts_with(b"sys_enter_") {
                let path = entry.path().join("format");
                formats.push(read_whole(&path).map_err(failed(&path))?);
            }
        }
        Ok(formats)
    }
}

/// Reads a file whose size the kernel does not tell, in one or two calls.
fn read_whole(path: &Path) -> io::Result<String> {
    let mut text = String::with_capacity(4096);
    File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

fn mount(at: &Path) -> Result<(), Error> {
    let target = CString::new(at.as_os_str().as_encoded_bytes()).unwrap_or_default();
    // SAFETY: all pointers are to NUL-terminated strings that live across the call; tracefs takes no data.
    let result = unsafe {
        libc::mount(
            c"nodev".as_ptr(),
            target.as_ptr(),
            c"tracefs".as_ptr(),
            libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC,
            std::ptr::null(),
        )
    };
    if result != 0 {
        return Err(Error::call(format!("mount tracefs at {}", at.display())));
    }
    Ok(())
}

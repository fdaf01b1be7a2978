//! Packets from the rings to the stream files.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use anyhow::Result;
use kernel::ring::Ring;
use kernel::session::Session;

use crate::trace_dir::NewTrace;

/// One stream file.
#[derive(Debug)]
struct Stream {
    name: String,
    file: File,
    /// Bytes of whole packets in the file.
    bytes: u64,
    /// Bytes of the packet at hand that are in the file already.
    partial: usize,
    failure: Option<io::Error>,
    /// Packets given up since the failure.
    dropped: u64,
}

/// Writes what the rings hand over.
#[derive(Debug)]
pub struct Collector {
    /// In the order of [`Session::rings`].
    streams: Vec<Stream>,
}

/// What a collector has done.
#[derive(Debug, Default)]
pub struct Written {
    /// Bytes in all stream files.
    pub bytes: u64,
    /// Packets that could not be written.
    pub dropped: u64,
    /// The first failure: file and reason.
    pub failure: Option<(String, String)>,
}

impl Collector {
    /// Makes a file for every ring.
    pub fn new(trace: &NewTrace, session: &mut Session) -> Result<Collector> {
        let syscalls =
            session.syscalls().iter().map(|ring| format!("syscalls_{}", ring.cpu())).collect::<Vec<_>>();
        let lifecycle = session.lifecycle().iter().map(|ring| format!("lifecycle_{}", ring.cpu()));
        let names = syscalls.into_iter().chain(lifecycle);
        let streams = names
            .map(|name| {
                let file = trace.file(&name)?;
                Ok(Stream { name, file, bytes: 0, partial: 0, failure: None, dropped: 0 })
            })
            .collect::<Result<_>>()?;
        Ok(Collector { streams })
    }

    /// Writes every complete packet. True when there was one.
    pub fn drain(&mut self, session: &mut Session) -> bool {
        let mut busy = false;
        for (stream, ring) in self.streams.iter_mut().zip(session.rings()) {
            busy |= stream.drain(ring);
        }
        busy
    }

    /// What was written, after the last drain. Files that stayed empty are removed.
    pub fn finish(self, trace: &NewTrace) -> Written {
        let mut written = Written::default();
        for stream in self.streams {
            if stream.bytes == 0 {
                // An empty file says nothing that its absence does not.
                let _ = std::fs::remove_file(trace.path().join(&stream.name));
            }
            written.bytes += stream.bytes;
            written.dropped += stream.dropped;
            if let (Some(error), None) = (stream.failure, &written.failure) {
                written.failure = Some((stream.name, error.to_string()));
            }
        }
        written
    }
}

impl Stream {
    fn drain(&mut self, ring: &mut Ring) -> bool {
        let mut busy = false;
        loop {
            if self.failure.is_some() {
                // The target must not notice: its ring stays free, and what is missing is counted.
                if !ring.drop_packet() {
                    return busy;
                }
                self.dropped += 1;
                continue;
            }
            match ring.write_packet(self.file.as_raw_fd(), &mut self.partial) {
                Ok(Some(len)) => {
                    self.bytes += len as u64;
                    busy = true;
                }
                Ok(None) => return busy,
                Err(error) => {
                    // The file ends with its last whole packet.
                    let _ = self.file.set_len(self.bytes);
                    self.failure = Some(error);
                }
            }
        }
    }
}

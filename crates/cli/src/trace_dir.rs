//! A trace directory: the only file I/O of traces. Names: `docs/format.md`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use ctf::merge::{Merge, PacketSource};
use ctf::read::Decoder;
use ctf::types::TraceType;
use schema::Catalog;

const METADATA: &str = "metadata";
const TABLE: &str = "schema/table.tt";
/// Largest metadata and table that are read.
const TEXT_LIMIT: u64 = 256 << 20;

/// `O_NOFOLLOW` of Linux on x86-64.
const O_NOFOLLOW: i32 = 0o400_000;

/// A directory that is being written. Removed again when it is dropped before [`NewTrace::keep`].
#[derive(Debug)]
pub struct NewTrace {
    path: PathBuf,
    kept: bool,
}

impl NewTrace {
    /// Makes the directory, mode 0700. Nothing that exists is written to.
    pub fn create(path: &Path) -> Result<NewTrace> {
        DirBuilder::new().mode(0o700).create(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                anyhow!("{} exists already; give another name with -o, or remove it", path.display())
            }
            _ => anyhow!("cannot make the directory {}: {error}", path.display()),
        })?;
        let trace = NewTrace { path: path.to_owned(), kept: false };
        DirBuilder::new()
            .mode(0o700)
            .create(path.join("schema"))
            .with_context(|| format!("{}/schema", path.display()))?;
        Ok(trace)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A new file in it, mode 0600.
    pub fn file(&self, name: &str) -> Result<File> {
        let path = self.path.join(name);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(O_NOFOLLOW)
            .open(&path)
            .with_context(|| format!("cannot make {}", path.display()))
    }

    /// Writes the texts that make the trace readable anywhere.
    pub fn describe(&self, trace_type: &TraceType, catalog: &Catalog) -> Result<()> {
        let write = |name: &str, text: String| {
            self.file(name)?
                .write_all(text.as_bytes())
                .with_context(|| format!("cannot write {}/{name}", self.path.display()))
        };
        write(METADATA, ctf::metadata::write(trace_type))?;
        write(TABLE, catalog.print())
    }

    /// The trace is worth keeping from here on.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for NewTrace {
    fn drop(&mut self) {
        if !self.kept {
            // Only what was made here: the directory was new.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// A trace to read.
#[derive(Debug)]
pub struct Trace {
    path: PathBuf,
    /// Its types.
    pub types: Arc<TraceType>,
    /// The table it was recorded with; `None` for traces of other tools.
    pub catalog: Option<Catalog>,
    /// Names of its stream files, sorted.
    pub streams: Vec<String>,
}

impl Trace {
    /// Reads metadata and table.
    pub fn open(path: &Path) -> Result<Trace> {
        let text = read_text(&path.join(METADATA)).map_err(|error| {
            anyhow!("{} is not a trace: cannot read its metadata: {error}", path.display())
        })?;
        let types =
            ctf::metadata::parse(&text).map_err(|error| anyhow!("{}/{METADATA}: {error}", path.display()))?;
        let catalog = match read_text(&path.join(TABLE)) {
            Ok(text) => {
                let mut catalog = Catalog::new();
                catalog.add(&text, &path.join(TABLE).display().to_string())?;
                Some(catalog)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => bail!("{}/{TABLE}: {error}", path.display()),
        };
        Ok(Trace { path: path.to_owned(), types: Arc::new(types), catalog, streams: stream_names(path)? })
    }

    /// All its records, losses and damages in the order of time.
    pub fn items(&self) -> Result<Merge<StreamFile>> {
        self.merge(Decoder::new(Arc::clone(&self.types))?)
    }

    /// The same without the content of strings and buffers.
    pub fn brief_items(&self) -> Result<Merge<StreamFile>> {
        self.merge(Decoder::brief(Arc::clone(&self.types))?)
    }

    fn merge(&self, decoder: Decoder) -> Result<Merge<StreamFile>> {
        let decoder = Arc::new(decoder);
        let streams =
            self.streams.iter().map(|name| Ok((name.as_str().into(), self.stream(name, &decoder)?)));
        let streams = streams.collect::<Result<Vec<_>>>()?;
        Ok(Merge::new(decoder, streams))
    }

    fn stream(&self, name: &str, decoder: &Arc<Decoder>) -> Result<StreamFile> {
        let path = self.path.join(name);
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let len = file.metadata().with_context(|| path.display().to_string())?.len();
        Ok(StreamFile { file, decoder: Arc::clone(decoder), len, at: 0 })
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = Vec::new();
    File::open(path)?.take(TEXT_LIMIT).read_to_end(&mut text)?;
    String::from_utf8(text).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text"))
}

/// Every regular file but the metadata, as other readers of CTF see it; hidden ones are not streams.
fn stream_names(path: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).with_context(|| path.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && name != METADATA && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A stream file, read one packet at a time.
#[derive(Debug)]
pub struct StreamFile {
    file: File,
    decoder: Arc<Decoder>,
    len: u64,
    at: u64,
}

impl StreamFile {
    /// Up to `len` bytes from `offset` on; fewer at the end of the file. `len` may be any claim: memory is taken for what is
    /// there.
    fn read_at(&mut self, offset: u64, len: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.clear();
        let len = self.len.saturating_sub(offset).min(len);
        self.file.seek(SeekFrom::Start(offset))?;
        Read::by_ref(&mut self.file).take(len).read_to_end(bytes)?;
        Ok(())
    }
}

impl PacketSource for StreamFile {
    type Error = io::Error;

    /// A packet whose length cannot be known is handed over with all that follows: the reader says what is wrong with it.
    fn next_packet(&mut self, packet: &mut Vec<u8>) -> io::Result<bool> {
        packet.clear();
        if self.at >= self.len {
            return Ok(false);
        }
        self.read_at(self.at, self.decoder.header_len() as u64, packet)?;
        let size = match self.decoder.size(packet) {
            Ok(size) if size > 0 => size as u64,
            _ => {
                self.at = self.len;
                return Ok(true);
            }
        };
        self.read_at(self.at, size, packet)?;
        self.at = self.at.saturating_add(size);
        Ok(true)
    }
}

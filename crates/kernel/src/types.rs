//! What the running kernel says about itself: offsets for the probes, prototypes and widths for the catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use probe::facts::{Facts, MEMBERS};
use probe::ring::Geometry;
use schema::Catalog;
use schema::ast::{Proto, Stored};

use crate::btf::{self, Btf, Kind};
use crate::refusal::Error;
use crate::tracefs::Tracefs;

/// Where the kernel keeps its type information.
pub const BTF: &str = "/sys/kernel/btf/vmlinux";

/// Type information of the running kernel.
#[derive(Debug)]
pub struct KernelTypes {
    btf: Btf,
}

impl KernelTypes {
    /// Reads [`BTF`].
    pub fn read() -> Result<KernelTypes, Error> {
        let bytes = fs::read(BTF).map_err(|source| Error::File { path: BTF.to_owned(), source })?;
        let structs: BTreeSet<&[u8]> =
            MEMBERS.iter().map(|(strukt, _)| strukt.as_bytes()).chain([b"pt_regs".as_slice()]).collect();
        let btf = Btf::parse(bytes, |kind, name| match kind {
            Kind::Typedef => true,
            Kind::Struct => structs.contains(name),
            Kind::Function => name == b"bpf_rdonly_cast",
            Kind::Union | Kind::Enum => false,
        })?;
        Ok(KernelTypes { btf })
    }

    /// Facts for the probes.
    pub fn facts(&self, syscalls: Geometry, lifecycle: Geometry) -> Result<Facts, Error> {
        let mut members = BTreeMap::new();
        for (strukt, member) in MEMBERS {
            let offset = self.btf.member(strukt, member)?;
            members.insert(((*strukt).to_owned(), (*member).to_owned()), offset);
        }
        let cast = self.btf.find(Kind::Function, "bpf_rdonly_cast").ok();
        let words = self.btf.find(Kind::Struct, "pt_regs").ok();
        Ok(Facts { members, cast: cast.zip(words), syscalls, lifecycle })
    }

    /// The id to attach a program to a BTF tracepoint.
    pub(crate) fn tracepoint(&self, name: &str) -> Result<u32, Error> {
        Ok(self.btf.find(Kind::Typedef, &format!("btf_trace_{name}"))?)
    }

    /// Width and sign of a C typedef; `None` when it is not an integer or a pointer.
    fn typedef(&self, name: &str) -> Option<Stored> {
        let scalar = match self.btf.scalar(Kind::Typedef, name) {
            Ok(scalar) => scalar?,
            Err(btf::Error::Missing(_)) => return None,
            Err(_) => return None,
        };
        Some(Stored { bytes: u8::try_from(scalar.bytes).ok()?, signed: scalar.signed })
    }

    /// Adds the prototypes of the running kernel to a catalog, and the widths of the C types that they use.
    pub fn declare(&self, tracefs: &Tracefs, catalog: &mut Catalog) -> Result<Vec<schema::Error>, Error> {
        let mut unreadable = Vec::new();
        let mut typedefs = BTreeSet::new();
        for text in tracefs.syscall_formats()? {
            match schema::tracefs::parse_format(&text) {
                Ok(proto) => {
                    typedefs.extend(typedef_names(&proto));
                    catalog.declare(proto);
                }
                Err(error) => unreadable.push(error),
            }
        }
        for name in typedefs {
            if let Some(stored) = self.typedef(&name) {
                catalog.declare_ctype(&name, stored);
            }
        }
        Ok(unreadable)
    }
}

/// Names in a prototype that may be typedefs: single words that are not pointers.
fn typedef_names(proto: &Proto) -> Vec<String> {
    let types = proto.params.iter().map(|(ctype, _)| ctype.trim_start_matches("const ").trim());
    types.filter(|ctype| !ctype.contains([' ', '*'])).map(str::to_owned).collect()
}

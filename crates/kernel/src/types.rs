//! What the running kernel says about itself: offsets for the probes, prototypes and widths for the catalog.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;

use probe::facts::{Facts, MEMBERS};
use probe::ring::Geometry;
use schema::Catalog;
use schema::ast::{Holds, Layout, LayoutMember, Proto, Stored};

use crate::btf::{self, Btf, Form, Kind, Place};
use crate::refusal::Error;

/// Where the kernel keeps its type information.
pub const BTF: &str = "/sys/kernel/btf/vmlinux";

/// Type information of the running kernel.
#[derive(Debug)]
pub struct KernelTypes {
    btf: Btf,
}

impl KernelTypes {
    /// Reads [`BTF`]: what the probes need, and the objects that the built-in tables name.
    pub fn read() -> Result<KernelTypes, Error> {
        KernelTypes::read_for(Catalog::builtin())
    }

    /// The same with the objects of another catalog.
    pub fn read_for(catalog: &Catalog) -> Result<KernelTypes, Error> {
        let bytes = fs::read(BTF).map_err(|source| Error::File { path: BTF.to_owned(), source })?;
        let structs: BTreeSet<&[u8]> =
            MEMBERS.iter().map(|(strukt, _)| strukt.as_bytes()).chain([b"pt_regs".as_slice()]).collect();
        let kernel_names = catalog.layouts().filter_map(|layout| layout.kernel.as_deref());
        let objects: HashSet<&[u8]> = kernel_names.map(str::as_bytes).collect();
        let btf = Btf::parse(bytes, |kind, name| match kind {
            Kind::Typedef => true,
            Kind::Struct => structs.contains(name) || objects.contains(name),
            Kind::Union => objects.contains(name),
            Kind::Function => name == b"bpf_rdonly_cast",
            Kind::Enum => false,
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

    /// The layouts of a catalog as the running kernel has them; those that it does not know are left out.
    pub fn layouts(&self, catalog: &Catalog) -> Vec<Layout> {
        let mut names: BTreeMap<(bool, &str), &str> = BTreeMap::new();
        for layout in catalog.layouts() {
            if let Some(kernel) = &layout.kernel {
                let plain = layout.name.trim_end_matches("@i386");
                names.entry((plain != layout.name, kernel)).or_insert(plain);
            }
        }
        let all = catalog.layouts().filter_map(|layout| {
            let compat = layout.name.ends_with("@i386");
            let known = |kernel: &str| {
                let own = names.get(&(compat, kernel)).copied();
                // A native object inside an i386 one, when there is only one form of it.
                own.or_else(|| {
                    let native = names.get(&(false, kernel)).copied()?;
                    catalog.layout(&format!("{native}@i386")).is_none().then_some(native)
                })
            };
            let (size, places) =
                self.btf.places(layout.kernel.as_deref()?, &|name| known(name).is_some()).ok()?;
            let members = places.into_iter().filter_map(|place| member(place, &known)).collect();
            Some(Layout { name: layout.name.clone(), kernel: layout.kernel.clone(), size, members })
        });
        all.collect()
    }

    /// Adds the prototypes of the running kernel to a catalog, the widths of the C types that they use, and where the members
    /// of objects lie.
    /// `formats` are those of [`crate::tracefs::Tracefs::syscall_formats`]; those that cannot be read are handed back.
    pub fn declare(&self, formats: &[String], catalog: &mut Catalog) -> Vec<schema::Error> {
        let mut unreadable = Vec::new();
        let mut typedefs = BTreeSet::new();
        for text in formats {
            match schema::tracefs::parse_format(text) {
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
        for layout in self.layouts(catalog) {
            catalog.declare_layout(layout);
        }
        unreadable
    }
}

/// A member of a layout line.
fn member<'a>(place: Place, known: &dyn Fn(&str) -> Option<&'a str>) -> Option<LayoutMember> {
    let Place { name, offset, form, count, bits } = place;
    let number = |bytes: u32, signed| match bytes {
        1 | 2 | 4 | 8 => Some(Holds::Number(Stored { bytes: u8::try_from(bytes).ok()?, signed })),
        _ => None,
    };
    let holds = match form {
        Form::Number { bytes, signed } => number(bytes, signed)?,
        Form::Bytes(bytes) => number(bytes, false)?,
        Form::Pointer => Holds::Address,
        Form::Named(kernel) => Holds::Layout(known(&kernel)?.to_owned()),
    };
    Some(LayoutMember { offset, holds, count, name, bits })
}

/// Names in a prototype that may be typedefs: single words that are not pointers.
fn typedef_names(proto: &Proto) -> Vec<String> {
    let types = proto.params.iter().map(|(ctype, _)| ctype.trim_start_matches("const ").trim());
    types.filter(|ctype| !ctype.contains([' ', '*'])).map(str::to_owned).collect()
}

//! One call, put together from its number, its prototype and its description.

use super::Catalog;
use super::words::{Value, c_spelling};
use crate::abi::Abi;
use crate::ast::{Call, Extent, Param, Proto, Returns, Stored, Ty};
use crate::class::Class;

/// A system call as one kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// Public name.
    pub name: String,
    /// Calling convention.
    pub abi: Abi,
    /// Number in that convention.
    pub nr: u32,
    /// Arguments in register order.
    pub args: Vec<Arg>,
    /// Type of the result; `None` means 0 or an error.
    pub returns: Option<Returns>,
    /// True when a call line says what the arguments mean.
    pub described: bool,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arg {
    /// Its name, as the kernel spells it.
    pub name: String,
    /// Its C type, as the kernel spells it.
    pub ctype: String,
    /// Its meaning.
    pub param: Param,
    /// Its type code.
    pub class: Class,
    /// Width and sign of the value in the register.
    pub stored: Stored,
}

impl Arg {
    /// True when the register holds an address of user memory.
    pub fn is_pointer(&self) -> bool {
        self.ctype.contains('*') || self.class.is_pointer()
    }
}

impl Syscall {
    /// Bit *i* is set when argument *i* is a pointer.
    pub fn pointer_mask(&self) -> u8 {
        (0..8).zip(&self.args).filter(|(_, arg)| arg.is_pointer()).fold(0, |mask, (i, _)| mask | 1 << i)
    }
}

impl Catalog {
    /// The call with that number. `None` when neither name nor arguments are known.
    ///
    /// Names and C types come from the prototype, meaning from the call line. Where the two disagree about an argument,
    /// the prototype wins and the argument is described by its C type alone.
    pub fn syscall(&self, abi: Abi, nr: u32) -> Option<Syscall> {
        self.resolve(abi, nr, self.name(abi, nr)?)
    }

    /// The call with that name.
    pub fn syscall_by_name(&self, abi: Abi, name: &str) -> Option<Syscall> {
        self.resolve(abi, self.number(abi, name)?, name)
    }

    fn resolve(&self, abi: Abi, nr: u32, name: &str) -> Option<Syscall> {
        let own = format!("{name}@{}", abi.name());
        let (mut call, mut proto) = (self.calls.get(&own), self.protos.get(&own));
        if call.is_none() && proto.is_none() {
            (call, proto) = (self.calls.get(name), self.protos.get(name));
        }
        let mut args = match (proto, call) {
            (Some(proto), call) => self.args_of_proto(abi, proto, call),
            (None, Some(call)) => self.args_of_call(abi, call),
            (None, None) => Vec::new(),
        };
        let unknown = proto.is_none() && call.is_none();
        if abi == Abi::I386 && (unknown || args.iter().any(|arg| arg.stored.bytes > 4)) {
            // Not in the tables, or with an argument that takes two registers: the registers are what is certain.
            args = (0..6).map(raw).collect();
            return Some(Syscall { name: name.to_owned(), abi, nr, args, returns: None, described: false });
        }
        if unknown {
            return None;
        }
        let returns = call.and_then(|call| call.returns.clone());
        Some(Syscall { name: name.to_owned(), abi, nr, args, returns, described: call.is_some() })
    }

    fn args_of_proto(&self, abi: Abi, proto: &Proto, call: Option<&Call>) -> Vec<Arg> {
        let params = call.map_or(&[][..], |call| &call.params);
        // Names that the prototype and the call line have at the same position.
        let agreed: Vec<&str> = proto
            .params
            .iter()
            .zip(params)
            .filter(|(p, q)| p.1 == q.name)
            .map(|(p, _)| p.1.as_str())
            .collect();
        let mut args = Vec::new();
        for (i, (ctype, name)) in proto.params.iter().enumerate() {
            let known = self.c_type(ctype);
            let param = params
                .get(i)
                .filter(|param| param.name == *name)
                .filter(|param| self.fits(param, ctype, known.map(|(value, _)| value)))
                .filter(|param| self.names_known(param, &agreed));
            let (param, class) = match param {
                Some(param) => (param.clone(), self.class(param)),
                None => {
                    let (class, word) =
                        known.map_or((Class::Int, "hex"), |(value, word)| (value.class, word));
                    (plain(word, name), class)
                }
            };
            let stored = match known {
                Some((value, _)) => value.on(abi),
                None => self.register(abi, &param, class),
            };
            args.push(Arg { name: name.clone(), ctype: ctype.clone(), param, class, stored });
        }
        args
    }

    fn args_of_call(&self, abi: Abi, call: &Call) -> Vec<Arg> {
        let args = call.params.iter().map(|param| {
            let class = self.class(param);
            let stored = self.register(abi, param, class);
            let ctype = c_spelling(class, stored).to_owned();
            Arg { name: param.name.clone(), ctype, param: param.clone(), class, stored }
        });
        args.collect()
    }

    /// A pointer must be described as one and a number as a number.
    fn fits(&self, param: &Param, ctype: &str, known: Option<Value>) -> bool {
        let class = self.class(param);
        let address = matches!(class, Class::Addr | Class::Sub | Class::Void | Class::Zero | Class::Ioc);
        if ctype.contains('*') {
            return class.is_pointer() || address;
        }
        // `unsigned long` and typedefs such as cap_user_header_t may hold a pointer; an int may not.
        !class.is_pointer() || known.is_none_or(|value| value.on(Abi::X86_64).bytes == 8)
    }

    fn names_known(&self, param: &Param, agreed: &[&str]) -> bool {
        let mut names = Vec::new();
        names_of(param, &mut names);
        names.iter().all(|name| agreed.contains(name) || self.constants.contains_key(*name))
    }

    /// Width and sign of a register that only the description tells about.
    fn register(&self, abi: Abi, param: &Param, class: Class) -> Stored {
        let value = if class.is_pointer() { None } else { self.value_type(&param.ty.name) };
        match (value, abi) {
            (Some(value), _) => value.on(abi),
            (None, Abi::X86_64) => Stored::new(8, false),
            (None, Abi::I386) => Stored::new(4, false),
        }
    }

    /// The type code of a value of that type.
    pub fn value_class(&self, word: &str) -> Class {
        self.value_type(word).map_or(Class::Sub, |value| value.class)
    }

    /// The type code of a parameter.
    pub fn class(&self, param: &Param) -> Class {
        let word = param.ty.name.as_str();
        if param.direction.is_none() {
            return self.value_class(word);
        }
        match (word, &param.extent) {
            ("str", Some(Extent::Null)) => Class::Strings,
            ("path", _) => Class::Path,
            ("str", _) => Class::Str,
            ("bytes", _) => Class::Bytes,
            ("sockaddr", _) => Class::Sockaddr,
            _ if param.load.is_some() => Class::Vector,
            (_, Some(Extent::Count(..) | Extent::Null)) => Class::Array,
            _ => Class::Struct,
        }
    }
}

/// A value without further meaning.
fn plain(word: &str, name: &str) -> Param {
    Param { name: name.to_owned(), ..Param::value(Ty::named(word)) }
}

/// A register of an i386 call about which nothing is known.
fn raw(i: u8) -> Arg {
    let name = format!("arg{i}");
    let mut param = plain("u32", &name);
    param.render = Some("hex".to_owned());
    Arg { name, ctype: "unsigned int".to_owned(), param, class: Class::Int, stored: Stored::new(4, false) }
}

/// Names that the expressions of a parameter use.
pub(super) fn names_of<'a>(param: &'a Param, names: &mut Vec<&'a str>) {
    match &param.extent {
        Some(Extent::Count(entry, exit) | Extent::Bytes(entry, exit)) => {
            entry.names(names);
            exit.iter().for_each(|exit| exit.names(names));
        }
        Some(Extent::Null) | None => {}
    }
    param.load.iter().filter_map(|load| load.total.as_ref()).for_each(|total| total.names(names));
    param.condition.iter().for_each(|condition| condition.names(names));
    param.otherwise.iter().for_each(|otherwise| names_of(otherwise, names));
}

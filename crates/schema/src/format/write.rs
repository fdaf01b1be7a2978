//! Our own records as format texts of tracefs, for tools that read those (libtraceevent and what rests on it).

use std::fmt::Write as _;

use ctf::types::{Base, EnumType, EventType, FieldType, IntType};

use super::names;
use crate::abi::Abi;
use crate::ast::Set;
use crate::catalog::{Arg, Catalog, Syscall};
use crate::layout::{HEADER_LEN, NUMBERS};

/// What every record begins with: type, name, offset, size, signed. The names are those that tracefs has for them; the
/// time has none there.
const COMMON: [(&str, &str, u32, u32, bool); 3] = [
    ("u16", "common_type", 0, 2, false),
    ("u32", "common_timestamp", 2, 4, false),
    ("s32", "common_pid", 6, 4, true),
];

/// The format text of an event type that [`crate::lower`] or [`crate::tracepoint`] made. What the numbers mean is said by
/// the catalog.
///
/// `ID` is the event id of the trace. Fields are named as in the trace, offsets count from the start of the record.
/// The first variable part is a field of size 0, which stands for the rest of the record; those behind it have no fixed
/// place and are left out.
///
/// ```
/// use schema::{Catalog, format, lower};
///
/// let mut catalog = Catalog::new();
/// catalog.add("number x86_64 3 close\nclose(fd fd)\n", "example.tt").unwrap();
/// let layouts = lower::lower(&catalog, &lower::Plan::default(), |_, _| true);
/// let text = format::write(&layouts[0].event, &catalog);
/// assert!(text.contains("\tfield:s32 fd;\toffset:10;\tsize:4;\tsigned:1;\n\nprint fmt: \"fd: %d\", REC->fd\n"));
/// ```
pub fn write(event: &EventType, catalog: &Catalog) -> String {
    let mut text = format!("name: {}\nID: {}\nformat:\n", event.name, event.id);
    for (ty, name, offset, size, signed) in COMMON {
        field(&mut text, ty, name, offset, size, signed);
    }
    text.push('\n');
    let call = call_of(event, catalog);
    let mut print = Print::default();
    let mut at = u32::from(HEADER_LEN);
    for part in &event.fields.fields {
        let name = part.name.as_str();
        let (ty, index, size, signed) = match &part.field_type {
            FieldType::Int(int) | FieldType::Enum(EnumType { container: int, .. }) => {
                (int_name(int), String::new(), int.bits / 8, int.signed)
            }
            FieldType::Array { element, length } => {
                let Some((ty, bytes)) = element_of(element) else { break };
                (ty, format!("[{length}]"), u32::try_from(*length).unwrap_or(0) * bytes, false)
            }
            FieldType::String => ("char", "[]".to_owned(), 0, false),
            FieldType::Sequence { element, .. } => {
                let Some((ty, _)) = element_of(element) else { break };
                (ty, "[]".to_owned(), 0, false)
            }
            FieldType::Struct(_) => break,
        };
        field(&mut text, ty, &format!("{name}{index}"), at, size, signed);
        let argument = call.as_ref().and_then(|call| call.args.iter().find(|arg| arg.name == name));
        print.field(name, &part.field_type, argument, catalog);
        if size == 0 {
            break;
        }
        at += size;
    }
    let _ = write!(text, "\nprint fmt: \"{}\"", print.text.join(", "));
    for argument in &print.arguments {
        let _ = write!(text, ", {argument}");
    }
    text.push('\n');
    text
}

fn field(text: &mut String, ty: &str, name: &str, offset: u32, size: u32, signed: bool) {
    let signed = u8::from(signed);
    let _ = writeln!(text, "\tfield:{ty} {name};\toffset:{offset};\tsize:{size};\tsigned:{signed};");
}

/// The call whose entry an event is.
fn call_of(event: &EventType, catalog: &Catalog) -> Option<Syscall> {
    let numbers = u64::from(NUMBERS);
    let abi = match event.id / numbers {
        0 => Abi::X86_64,
        3 => Abi::I386,
        _ => return None,
    };
    catalog.syscall(abi, u32::try_from(event.id % numbers).ok()?)
}

fn int_name(int: &IntType) -> &'static str {
    match (int.bits, int.signed) {
        (8, false) => "u8",
        (16, false) => "u16",
        (32, false) => "u32",
        (_, false) => "u64",
        (8, true) => "s8",
        (16, true) => "s16",
        (32, true) => "s32",
        (_, true) => "s64",
    }
}

/// C type and bytes of an element. Of a sequence of strings, only the first has a fixed place.
fn element_of(element: &FieldType) -> Option<(&'static str, u32)> {
    match element {
        FieldType::Int(int) if int.text => Some(("char", 1)),
        FieldType::Int(int) => Some((int_name(int), int.bits / 8)),
        FieldType::String => Some(("char", 1)),
        _ => None,
    }
}

/// The two halves of `print fmt`: text with conversions, and what is converted.
#[derive(Default)]
struct Print {
    text: Vec<String>,
    arguments: Vec<String>,
}

impl Print {
    fn push(&mut self, text: String, argument: String) {
        self.text.push(text);
        self.arguments.push(argument);
    }

    fn field(&mut self, name: &str, field_type: &FieldType, argument: Option<&Arg>, catalog: &Catalog) {
        let value = format!("REC->{name}");
        match field_type {
            FieldType::Int(int) => match argument.and_then(|arg| set_of(arg, catalog)) {
                Some(set) => {
                    let pieces = names::pieces(&set, &value, int.bits);
                    self.text.push(format!("{name}: {}", "%s".repeat(pieces.len())));
                    self.arguments.extend(pieces);
                }
                None => self.push(format!("{name}: {}", conversion(int)), value),
            },
            FieldType::Enum(labels) => {
                let items: Vec<String> = labels
                    .labels
                    .iter()
                    .map(|label| format!("{{ {}, \"{}\" }}", label.low, label.name))
                    .collect();
                self.push(format!("{name}: %s"), format!("__print_symbolic({value}, {})", items.join(", ")));
            }
            FieldType::String => self.push(format!("{name}: \\\"%s\\\""), value),
            FieldType::Array { element, length } => match element_of(element) {
                Some(("char", _)) => self.push(format!("{name}: \\\"%s\\\""), value),
                _ => self.push(format!("{name}: %s"), format!("__print_hex({value}, {length})")),
            },
            FieldType::Sequence { element, length_field } => match element_of(element) {
                Some(("char", _)) => self.push(format!("{name}[0]: \\\"%s\\\""), value),
                _ => self.push(format!("{name}: %s"), format!("__print_hex({value}, REC->{length_field})")),
            },
            FieldType::Struct(_) => {}
        }
    }
}

fn conversion(int: &IntType) -> &'static str {
    match (int.base, int.bits > 32, int.signed) {
        (Base::Hexadecimal | Base::Binary, false, _) => "0x%x",
        (Base::Hexadecimal | Base::Binary, true, _) => "0x%llx",
        (Base::Octal, false, _) => "0%o",
        (Base::Octal, true, _) => "0%llo",
        (Base::Decimal, false, true) => "%d",
        (Base::Decimal, false, false) => "%u",
        (Base::Decimal, true, true) => "%lld",
        (Base::Decimal, true, false) => "%llu",
    }
}

/// The names for an argument's values, when it is shown by names.
fn set_of(arg: &Arg, catalog: &Catalog) -> Option<Set> {
    let word = arg.param.render.as_deref().unwrap_or(&arg.param.ty.name);
    catalog.set(word).cloned().or_else(|| catalog.bits(word).map(names::of_bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format;
    use crate::lower::{Plan, lower};

    fn text(table: &str, event: &str) -> String {
        let mut catalog = Catalog::new();
        catalog.add(table, "test.tt").unwrap();
        let layouts = lower(&catalog, &Plan::default(), |_, _| true);
        let layout = layouts.iter().find(|layout| layout.event.name == event).unwrap();
        write(&layout.event, &catalog)
    }

    const OPENAT: &str = "number x86_64 257 openat\nopenat(atfd dfd, path filename, f flags, mode mode) = fd\n\
        flags f = O_RDONLY 0/3, O_WRONLY 1/3, O_CREAT 0x40\n";

    #[test]
    fn fields_are_where_the_record_has_them() {
        let expected = "name: syscall_entry_openat\nID: 257\nformat:\n\
            \tfield:u16 common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
            \tfield:u32 common_timestamp;\toffset:2;\tsize:4;\tsigned:0;\n\
            \tfield:s32 common_pid;\toffset:6;\tsize:4;\tsigned:1;\n\n\
            \tfield:s32 dfd;\toffset:10;\tsize:4;\tsigned:1;\n\
            \tfield:u64 filename_ptr;\toffset:14;\tsize:8;\tsigned:0;\n\
            \tfield:u8 filename_state;\toffset:22;\tsize:1;\tsigned:0;\n\
            \tfield:u32 flags;\toffset:23;\tsize:4;\tsigned:0;\n\
            \tfield:u16 mode;\toffset:27;\tsize:2;\tsigned:0;\n\
            \tfield:char filename[];\toffset:29;\tsize:0;\tsigned:0;\n\nprint fmt: ";
        assert_eq!(text(OPENAT, "syscall_entry_openat").get(..expected.len()), Some(expected));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let written = text(OPENAT, "syscall_entry_openat");
        let read = format::parse(&written, "openat").unwrap();
        assert_eq!((read.id, read.fields.len()), (257, 9));
        let access = read.sets.iter().find(|set| set.value == "(REC->flags & 0x3)").unwrap();
        assert_eq!(access.set.to_string(), "enum flags = O_RDONLY 0, O_WRONLY 1");
    }

    #[test]
    fn of_two_variable_parts_the_first_has_a_place() {
        let table = "number x86_64 82 rename\nrename(path oldname, path newname)\n";
        let written = text(table, "syscall_entry_rename");
        assert!(written.contains("char oldname[];\toffset:28;\tsize:0;"), "{written}");
        assert!(!written.contains("newname[]"), "{written}");
    }
}

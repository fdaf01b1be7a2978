//! What a catalog makes of lines.

use super::*;
use crate::Class;

fn catalog(text: &str) -> Catalog {
    let mut catalog = Catalog::new();
    catalog.add(text, "example.tt").unwrap();
    catalog
}

fn args(call: &Syscall) -> Vec<(&str, &str, Class, String)> {
    let args = call.args.iter();
    args.map(|arg| (arg.name.as_str(), arg.ctype.as_str(), arg.class, arg.stored.to_string())).collect()
}

#[test]
fn the_prototype_gives_names_and_types_the_call_line_gives_meaning() {
    let open = Catalog::builtin().syscall(Abi::X86_64, 257).unwrap();
    assert_eq!(
        args(&open),
        [
            ("dfd", "int", Class::AtFd, "s32".to_owned()),
            ("filename", "const char *", Class::Path, "u64".to_owned()),
            ("flags", "int", Class::Flags, "s32".to_owned()),
            ("mode", "umode_t", Class::Mode, "u16".to_owned()),
        ]
    );
    assert_eq!((open.name.as_str(), open.pointer_mask(), open.described), ("openat", 0b0010, true));
    assert_eq!(open.returns.unwrap().ty.name, "fd");
}

#[test]
fn typedefs_can_hide_pointers() {
    let capget = Catalog::builtin().syscall_by_name(Abi::X86_64, "capget").unwrap();
    assert_eq!(capget.pointer_mask(), 0b11);
    assert_eq!(capget.args[0].stored.to_string(), "u64");
}

#[test]
fn where_the_two_disagree_the_prototype_wins() {
    let text = "number x86_64 1 f\nctype pid_t s32\nf(fd fd, path name, in bytes buf[count], size count)\n";
    let f = |proto: &str| catalog(&format!("{text}{proto}")).syscall(Abi::X86_64, 1).unwrap();
    let agreed = f("proto f(int fd, const char * name, void * buf, unsigned long count)");
    let classes = |call: &Syscall| call.args.iter().map(|arg| arg.class).collect::<Vec<_>>();
    assert_eq!(classes(&agreed), [Class::Fd, Class::Path, Class::Bytes, Class::Size]);
    // Another name, a number where a pointer is described, an extent by an argument that is not there.
    let other = f("proto f(pid_t pid, int name, void * buf, unsigned long length, char * more)");
    assert_eq!(classes(&other), [Class::Pid, Class::Int, Class::Addr, Class::Int, Class::Addr]);
    assert_eq!(other.args[1].stored.to_string(), "s32");
    assert_eq!(other.pointer_mask(), 0b10100);
}

#[test]
fn a_call_without_call_line_is_known_by_its_c_types() {
    let call = catalog("number x86_64 1 f\nproto f(long a, unsigned char b, void * p, strange_t s)");
    let f = call.syscall(Abi::X86_64, 1).unwrap();
    let stored: Vec<String> = f.args.iter().map(|arg| arg.stored.to_string()).collect();
    assert_eq!(stored, ["s64", "u8", "u64", "u64"]);
    assert!(!f.described);
    assert_eq!(f.args[2].class, Class::Addr);
}

#[test]
fn a_call_without_prototype_is_known_by_its_call_line() {
    let call = catalog("number x86_64 1 f\nf(path name, int n, size size)");
    let f = call.syscall(Abi::X86_64, 1).unwrap();
    assert_eq!(
        args(&f),
        [
            ("name", "const char *", Class::Path, "u64".to_owned()),
            ("n", "int", Class::Int, "s32".to_owned()),
            ("size", "unsigned long", Class::Size, "u64".to_owned()),
        ]
    );
}

#[test]
fn a_bare_number_is_left_to_the_caller() {
    let bare = catalog("number x86_64 1 f\nnumber i386 1 g");
    assert_eq!(bare.syscall(Abi::X86_64, 1), None);
    assert_eq!(bare.syscall(Abi::X86_64, 2), None);
    let g = bare.syscall(Abi::I386, 1).unwrap();
    assert_eq!((g.args.len(), g.args[5].name.as_str(), g.described), (6, "arg5", false));
}

#[test]
fn an_i386_call_is_the_native_one_with_narrow_registers() {
    let read = Catalog::builtin().syscall(Abi::I386, 3).unwrap();
    assert_eq!(
        args(&read),
        [
            ("fd", "unsigned int", Class::Fd, "u32".to_owned()),
            ("buf", "char *", Class::Bytes, "u32".to_owned()),
            ("count", "size_t", Class::Size, "u32".to_owned()),
        ]
    );
    let lseek = Catalog::builtin().syscall_by_name(Abi::I386, "lseek").unwrap();
    assert_eq!(lseek.args[1].stored.to_string(), "s32");
}

#[test]
fn an_i386_call_with_an_argument_in_two_registers_is_raw() {
    let mut catalog = Catalog::builtin().clone();
    catalog.add("number i386 500 frob\nfrob(fd fd, u64 mask)\n", "frob.tt").unwrap();
    let call = catalog.syscall_by_name(Abi::I386, "frob").unwrap();
    assert!(!call.described && call.args.len() == 6);
    assert_eq!(args(&call)[0], ("arg0", "unsigned int", Class::Int, "u32".to_owned()));
    // A line for the convention names the two halves.
    let call = Catalog::builtin().syscall_by_name(Abi::I386, "pread64").unwrap();
    assert!(call.described);
    let names: Vec<&str> = call.args.iter().map(|arg| arg.name.as_str()).collect();
    assert_eq!(names, ["fd", "buf", "count", "pos_low", "pos_high"]);
}

#[test]
fn i386_calls_of_one_name_and_other_arguments_have_their_own_line() {
    let builtin = Catalog::builtin();
    let select = builtin.syscall(Abi::I386, 82).unwrap();
    assert_eq!((select.name.as_str(), select.args.len(), select.pointer_mask()), ("select", 1, 1));
    let mmap = builtin.syscall(Abi::I386, 90).unwrap();
    assert_eq!((mmap.name.as_str(), mmap.args.len(), mmap.pointer_mask()), ("mmap", 1, 1));
    let clone = builtin.syscall_by_name(Abi::I386, "clone").unwrap();
    assert_eq!(clone.args[4].name, "child_tidptr");
    let clone = builtin.syscall_by_name(Abi::X86_64, "clone").unwrap();
    assert_eq!(clone.args[4].name, "tls");
    assert_eq!(builtin.syscall(Abi::I386, 142).unwrap().args.len(), 5);
}

#[test]
fn objects_have_a_size_per_convention() {
    let size = |abi, name: &str| Catalog::builtin().size_of(abi, &crate::ast::Ty::named(name));
    assert_eq!(size(Abi::X86_64, "timespec"), Some(16));
    assert_eq!(size(Abi::I386, "timespec"), Some(8));
    assert_eq!(size(Abi::X86_64, "int"), Some(4));
    assert_eq!(size(Abi::I386, "ulong"), Some(4));
    assert_eq!(size(Abi::X86_64, "sockaddr"), None);
    assert_eq!(size(Abi::X86_64, "no_such"), None);
}

#[test]
fn later_lines_replace_earlier_ones() {
    let mut all = catalog("f(int a)\nenum e = A 1\nf.A(void a)\nobject o 4");
    all.add("f(fd a)\nenum e += B 2, A 3\nf.A(path a)\nobject o 8", "user.tt").unwrap();
    assert_eq!(all, catalog("object o 8\nenum e = A 3, B 2\nf(fd a)\nf.A(path a)"));
    assert_eq!(all.constant("A"), Some(3));
    assert_eq!(all.variants("f").len(), 1);
}

#[test]
fn a_number_and_a_name_belong_together() {
    let mut all = catalog("number x86_64 1 f\nnumber x86_64 2 g\nnumber i386 9 f");
    all.add("number x86_64 2 f", "user.tt").unwrap();
    assert_eq!(all.numbers(Abi::X86_64).collect::<Vec<_>>(), [(2, "f")]);
    assert_eq!((all.number(Abi::X86_64, "f"), all.number(Abi::X86_64, "g")), (Some(2), None));
    assert_eq!(all.number(Abi::I386, "f"), Some(9));
}

#[test]
fn a_text_is_added_whole_or_not_at_all() {
    let mut all = catalog("enum e = A 1");
    let before = all.clone();
    let wrong = |all: &mut Catalog, text: &str| all.add(text, "user.tt").unwrap_err().to_string();
    assert_eq!(wrong(&mut all, "enum e = B 2\nf("), "user.tt:2:3: expected a type, found end of text");
    assert_eq!(
        wrong(&mut all, "f()\nflags e += B 2"),
        "user.tt:2:1: e is defined as an enum, this line says flags"
    );
    assert_eq!(wrong(&mut all, "flags g += B 2"), "user.tt:1:1: there is no set g to add to");
    assert_eq!(wrong(&mut all, "object e 4"), "user.tt:1:1: e is defined as an enum, this line says memory");
    assert_eq!(all, before);
}

#[test]
fn the_running_kernel_has_the_last_word() {
    let mut all = Catalog::builtin().clone();
    let format = "name: sys_enter_close\n\tfield:special_t number;\toffset:16;\tsize:8;\n";
    all.declare(crate::tracefs::parse_format(format).unwrap());
    all.declare_ctype("special_t", Stored::new(2, true));
    let close = all.syscall_by_name(Abi::X86_64, "close").unwrap();
    assert_eq!(args(&close), [("number", "special_t", Class::Int, "s16".to_owned())]);
    // What was learned is part of the text.
    let again = catalog(&all.print());
    assert_eq!(again, all);
    assert_eq!(again.syscall_by_name(Abi::X86_64, "close").unwrap(), close);
}

#[test]
fn declaring_a_c_type_keeps_its_width_in_i386_calls() {
    let mut all = Catalog::builtin().clone();
    all.declare_ctype("size_t", Stored::new(8, false));
    assert_eq!(all.syscall_by_name(Abi::I386, "read").unwrap().args[2].stored.to_string(), "u32");
}

#[test]
fn undefined_names_are_listed() {
    let all = catalog("f(nothing a, int b[n]) switch a = other\nf.X(int c)\ng.1(int a)");
    assert_eq!(
        all.undefined().iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "f: no type nothing",
            "f: no type other",
            "f: no argument or constant n",
            "f: no argument c",
            "f: no constant X",
            "g: no such call"
        ]
    );
}

#[test]
fn a_table_from_outside_is_refused_whole_with_the_place_of_an_undefined_name() {
    let mut all = catalog("f(int a)");
    let before = all.clone();
    let error = all.add_checked("enum e = A 1\ng(int a,\n  in frob b)\n", "mine.tt").unwrap_err();
    assert_eq!(error.to_string(), "mine.tt:3:6: g: no type frob");
    assert_eq!(all, before);
    all.add_checked("struct frob { u32 a; }\ng(int a, in frob b)\n", "mine.tt").unwrap();
    assert!(all.call("g").is_some());
}

#[test]
fn names_that_objects_use_are_checked_too() {
    let refused = |text: &str| {
        let mut all = Catalog::new();
        all.add("layout s 8 { 0 u32 kind; 4 u32 n; }\nf(int cmd, in s x)", "base").unwrap();
        all.add_checked(text, "mine.tt").err().map(|error| error.problem.to_string())
    };
    // A member of its own, an argument of a call.
    assert_eq!(refused("struct s { u32 n if kind == 1 && cmd; }"), None);
    assert!(refused("struct s { u32 m; }").unwrap().contains("no member m"));
    assert!(refused("struct s { u32 n if sort == 1; }").unwrap().contains("no argument or constant sort"));
    assert!(refused("struct s { frob n; }").unwrap().contains("no type frob"));
    assert!(refused("union u switch kind { KIND_A: s; }").unwrap().contains("no constant KIND_A"));
}

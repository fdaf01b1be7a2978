//! `events/syscalls/sys_enter_NAME/format`: the running kernel's declaration of a call.

use crate::ast::Proto;
use crate::error::{Error, Problem};
use crate::parse::split_declaration;

/// Bytes before the first argument: the common fields and `__syscall_nr`.
const FIRST_ARGUMENT: u32 = 16;

/// Kernel names that differ from the public ones.
const PUBLIC_NAMES: [(&str, &str); 6] = [
    ("newstat", "stat"),
    ("newfstat", "fstat"),
    ("newlstat", "lstat"),
    ("sendfile64", "sendfile"),
    ("newuname", "uname"),
    ("umount", "umount2"),
];

/// Reads such a file. Fields after the declared arguments (`__data_loc` copies of strings, in kernels after 6.18) are
/// left out.
///
/// ```
/// let text = "name: sys_enter_newuname\nID: 1\nformat:\n\
///     \tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n\
///     \tfield:struct new_utsname * name;\toffset:16;\tsize:8;\tsigned:0;\n";
/// let proto = schema::tracefs::parse_format(text).unwrap();
/// assert_eq!(proto.to_string(), "proto uname(struct new_utsname * name)");
/// ```
pub fn parse_format(text: &str) -> Result<Proto, Error> {
    let fail = |at: usize, expected: &'static str, found: &str| {
        let found = format!("'{found}'");
        Error::at("format", text, at, Problem::Syntax { expected, found })
    };
    let mut name = None;
    let mut params = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim();
        if let Some(event) = line.strip_prefix("name:") {
            let event = event.trim();
            let Some(call) = event.strip_prefix("sys_enter_").filter(|call| is_word(call)) else {
                return Err(fail(start, "name: sys_enter_NAME", event));
            };
            name = Some(call);
        }
        let Some(field) = line.strip_prefix("field:") else { continue };
        let mut parts = field.split(';').map(str::trim);
        let declaration = parts.next().unwrap_or("");
        let offset =
            parts.find_map(|part| part.strip_prefix("offset:")).and_then(|n| n.trim().parse::<u32>().ok());
        let Some(offset) = offset else { return Err(fail(start, "field:TYPE NAME; offset:N;", line)) };
        if offset < FIRST_ARGUMENT {
            continue;
        }
        if declaration.starts_with("__data_loc") || declaration.starts_with("__rel_loc") {
            break;
        }
        if params.len() == 6 {
            break;
        }
        let Some(param) = split_declaration(declaration) else {
            return Err(fail(start, "field:TYPE NAME;", line));
        };
        params.push(param);
    }
    let Some(name) = name else { return Err(fail(text.len(), "name: sys_enter_NAME", "end of text")) };
    Ok(Proto { name: public_name(name).to_owned(), params })
}

/// The name a program knows a call by: `newstat` is `stat`.
pub fn public_name(kernel: &str) -> &str {
    PUBLIC_NAMES.iter().find(|(name, _)| *name == kernel).map_or(kernel, |(_, public)| public)
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENAT: &str = "name: sys_enter_openat
ID: 782
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;
\tfield:int dfd;\toffset:16;\tsize:8;\tsigned:0;
\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;
\tfield:int flags;\toffset:32;\tsize:8;\tsigned:0;
\tfield:umode_t mode;\toffset:40;\tsize:8;\tsigned:0;

print fmt: \"dfd: 0x%08lx\", ((unsigned long)(REC->dfd))
";

    const PRINTED: &str = "proto openat(int dfd, const char * filename, int flags, umode_t mode)";

    #[test]
    fn arguments_follow_the_number() {
        assert_eq!(parse_format(OPENAT).unwrap().to_string(), PRINTED);
    }

    #[test]
    fn copies_of_strings_are_no_arguments() {
        let copy = "\tfield:__data_loc char[] __filename_val;\toffset:48;\tsize:4;\tsigned:0;\n\nprint fmt";
        let later = OPENAT.replace("\nprint fmt", copy);
        assert_eq!(parse_format(&later).unwrap().to_string(), PRINTED);
    }

    #[test]
    fn kernel_names_become_public_ones() {
        for (kernel, public) in [("newstat", "stat"), ("sendfile64", "sendfile"), ("umount", "umount2")] {
            let text = format!("name: sys_enter_{kernel}\n");
            assert_eq!(parse_format(&text).unwrap().name, public);
        }
    }

    #[test]
    fn errors_have_a_line() {
        let error = parse_format("name: sched_switch\n").unwrap_err();
        assert_eq!(error.to_string(), "format:1:1: expected name: sys_enter_NAME, found 'sched_switch'");
        let error = parse_format("name: sys_enter_x\n\tfield:int a;\tsize:8;\n").unwrap_err();
        assert_eq!((error.line, error.file.as_str()), (2, "format"));
        assert!(parse_format("").is_err());
    }
}

//! Bytes of traced programs to text that is safe to show.
//!
//! What a program hands to the kernel may be made to deceive whoever reads the trace: terminal commands, line breaks,
//! letters that turn the writing direction. Nothing of that passes here.

use std::fmt::Write;

/// Appends `bytes` as a string literal of C, spelled as strace spells it: letters for the usual control characters, the
/// shortest octal number for anything else that is not printable ASCII (three digits before an octal digit).
pub fn c_string(bytes: &[u8], out: &mut String) {
    out.push('"');
    escaped(bytes, b"", out);
    out.push('"');
}

/// Appends `<bytes>`: a path behind a descriptor, spelled as in a string, with its own angle brackets as numbers.
pub fn bracketed(bytes: &[u8], out: &mut String) {
    out.push('<');
    escaped(bytes, b"<>", out);
    out.push('>');
}

/// The inside of a string literal of C; bytes of `numbers` are spelled as numbers too.
fn escaped(bytes: &[u8], numbers: &[u8], out: &mut String) {
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            0x0b => out.push_str("\\v"),
            0x0c => out.push_str("\\f"),
            b' '..=b'~' if !numbers.contains(&byte) => out.push(char::from(byte)),
            _ => octal(byte, bytes.get(at + 1), out),
        }
    }
}

fn octal(byte: u8, next: Option<&u8>, out: &mut String) {
    let wide = next.is_some_and(|next| (b'0'..=b'7').contains(next));
    // Writing to a String cannot fail.
    let _ = if wide { write!(out, "\\{byte:03o}") } else { write!(out, "\\{byte:o}") };
}

/// True for characters that must not reach a terminal: C0 and C1 controls, DEL, line and paragraph separators, and those
/// that turn the writing direction or are not visible (Unicode `Bidi_Control`, zero width characters, tags).
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Appends text that is shown without quotes (a command name, the name of an event of a foreign trace): unsafe characters
/// as `\u{202e}`, bytes that are not UTF-8 as `\x80`.
pub fn plain(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_unsafe(c) {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_angle_brackets_has_none_of_its_own() {
        let mut out = String::new();
        bracketed(b"/a<b>\n\"\\\xe4", &mut out);
        assert_eq!(out, "</a\\74b\\76\\n\\\"\\\\\\344>");
    }

    fn c(bytes: &[u8]) -> String {
        let mut out = String::new();
        c_string(bytes, &mut out);
        out
    }

    #[test]
    fn strings_are_spelled_as_strace_spells_them() {
        assert_eq!(c(b"abc\n\t\"\\\x0b\x0c\r\x01\x012\xff\x80x"), r#""abc\n\t\"\\\v\f\r\1\0012\377\200x""#);
        assert_eq!(c(b"\x018\x017"), r#""\18\0017""#);
        assert_eq!(c("\u{202e}".as_bytes()), r#""\342\200\256""#);
        assert_eq!(c(b"\x1b[2J\x7f"), r#""\33[2J\177""#);
        assert_eq!(c(b""), r#""""#);
    }

    #[test]
    fn names_keep_their_letters_and_lose_what_deceives() {
        let mut out = String::new();
        plain("g\u{e4}rtner\n\u{202e}x\u{9b}".as_bytes(), &mut out);
        plain(b"\xff", &mut out);
        assert_eq!(out, "g\u{e4}rtner\\u{a}\\u{202e}x\\u{9b}\\xff");
    }
}

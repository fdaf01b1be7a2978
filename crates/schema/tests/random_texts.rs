//! Random formats of tracefs are read or refused.

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn any_print_fmt_is_read_or_refused(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40)) {
        let text = format!("name: x\nID: 1\nprint fmt: {}", words.join(" "));
        if let Err(error) = schema::format::parse(&text, "x") {
            prop_assert_eq!(error.line, 3);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(name:.{0,4}\n|ID:[0-9]{0,12}\n|field:[a-z;:0-9 ]{0,20}\n|.{0,9}\n){0,6}") {
        if let Err(error) = schema::format::parse(&text, "x") {
            prop_assert!(error.line >= 1 && error.column >= 1);
        }
    }
}

const WORDS: &[&str] = &[
    "__print_flags(",
    "__print_symbolic(",
    "REC->a",
    ",",
    "\"|\"",
    "{",
    "}",
    "(",
    ")",
    "0x1",
    "<<",
    "|",
    "&",
    "~",
    "-",
    "\"NAME\"",
    "99UL",
    "\"",
    "\\",
    "é",
    "__print_",
    "+",
];

//! Every value of the language prints as a text that reads back as the same value, and no text breaks the reader.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use schema::ast::{
    BinaryOp, Bits, CType, Call, Direction, Expr, Extent, Holds, Item, Key, Layout, LayoutMember, Line, Load,
    Number, Object, Param, Proto, Render, Returns, Set, SetLine, Stored, Struct, Ty, TypeLine, UnaryOp,
    Union, Variant,
};
use schema::{Abi, Catalog, parse, parse_bytes, print};

/// Words of the grammar; a name is never one of them.
const RESERVED: [&str; 19] = [
    "in",
    "out",
    "inout",
    "pass",
    "of",
    "as",
    "if",
    "else",
    "switch",
    "null",
    "none",
    "ret",
    "err",
    "interrupted",
    "old",
    "min",
    "max",
    "sizeof",
    "on",
];

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z_][a-zA-Z0-9_]{0,6}".prop_filter("a word of the grammar", |name| {
        !RESERVED.contains(&name.as_str()) && name != "_" && name != "i386"
    })
}

fn ty() -> impl Strategy<Value = Ty> {
    (name(), of("[a-z][a-z0-9_-]{0,5}"), of(name())).prop_map(|(name, kind, member)| Ty {
        name,
        kind,
        member,
    })
}

fn stored() -> impl Strategy<Value = Stored> {
    (prop_oneof![Just(1), Just(2), Just(4), Just(8)], any::<bool>())
        .prop_map(|(bytes, signed)| Stored::new(bytes, signed))
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        any::<u64>().prop_map(|n| Expr::Number(i128::from(n))),
        name().prop_map(Expr::Name),
        Just(Expr::Ret),
        Just(Expr::Err),
        Just(Expr::Interrupted),
        name().prop_map(Expr::Deref),
        name().prop_map(Expr::Member),
        ty().prop_map(Expr::SizeOf),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        let two = (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        let unary = prop_oneof![Just(UnaryOp::Not), Just(UnaryOp::Negate), Just(UnaryOp::Complement)];
        prop_oneof![
            inner.clone().prop_map(|e| Expr::Old(Box::new(e))),
            (unary, inner).prop_map(|(op, e)| Expr::Unary(op, Box::new(e))),
            two.clone().prop_map(|(a, b)| Expr::Min(a, b)),
            two.clone().prop_map(|(a, b)| Expr::Max(a, b)),
            (proptest::sample::select(BinaryOp::ALL.to_vec()), two)
                .prop_map(|(op, (a, b))| Expr::Binary(op, a, b)),
        ]
    })
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::In), Just(Direction::Out), Just(Direction::InOut), Just(Direction::Pass)]
}

fn extent() -> impl Strategy<Value = Extent> {
    prop_oneof![
        Just(Extent::Null),
        (expr(), of(expr())).prop_map(|(entry, exit)| Extent::Count(entry, exit)),
        (expr(), of(expr())).prop_map(|(entry, exit)| Extent::Bytes(entry, exit)),
    ]
}

fn load() -> impl Strategy<Value = Load> {
    let direction = prop_oneof![Just(Direction::In), Just(Direction::Out), Just(Direction::Pass)];
    (of(direction), of(expr())).prop_map(|(direction, total)| Load { direction, total })
}

fn param() -> impl Strategy<Value = Param> {
    let one = (of(direction()), ty(), name(), of(extent()), of(load()), of(name()), of(expr())).prop_map(
        |(direction, ty, name, extent, load, render, condition)| Param {
            direction,
            ty,
            name,
            extent,
            load,
            render,
            condition,
            otherwise: None,
        },
    );
    vec(one, 1..4).prop_map(|params| {
        let chain = params
            .into_iter()
            .rev()
            .fold(None, |otherwise, param| Some(Box::new(Param { otherwise, ..param })));
        *chain.unwrap()
    })
}

fn returns() -> impl Strategy<Value = Returns> {
    (ty(), of(expr())).prop_map(|(ty, condition)| Returns { ty, condition })
}

fn key() -> impl Strategy<Value = Key> {
    let number = || any::<i32>().prop_map(i128::from);
    prop_oneof![
        name().prop_map(Key::Name),
        number().prop_map(Key::Number),
        (number(), number()).prop_map(|(low, high)| Key::Range(low, high)),
        Just(Key::Any),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let own = (name(), of(prop_oneof![Just("@i386"), Just("@x86_64")]));
    let named = own.prop_map(|(name, abi)| name + abi.unwrap_or(""));
    (named, vec(param(), 0..4), vec(expr(), 0..3), of(returns()))
        .prop_map(|(name, params, switch, returns)| Call { name, params, switch, returns })
}

fn variant() -> impl Strategy<Value = Variant> {
    (name(), vec(vec(key(), 1..3), 1..3), vec(param(), 0..3), of(returns()), of(".{0,8}")).prop_filter_map(
        "a control character has no escape",
        |(call, cases, params, returns, on)| {
            let on: Option<String> = on;
            let plain =
                on.as_ref().is_none_or(|on| !on.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')));
            plain.then_some(Variant { call, cases, params, returns, on })
        },
    )
}

fn set() -> impl Strategy<Value = SetLine> {
    let item =
        (name(), any::<u64>(), of(any::<u64>())).prop_map(|(name, value, mask)| Item { name, value, mask });
    let shape = of((stored(), of(name().prop_filter("a selector", |word| word != "from"))));
    (name(), any::<bool>(), shape, vec(item, 1..5), any::<bool>()).prop_map(
        |(name, flags, shape, items, extend)| {
            let (stored, render) = shape.map_or((None, None), |(stored, render)| (Some(stored), render));
            SetLine { extend, set: Set { name, flags, stored, render, items } }
        },
    )
}

fn render() -> impl Strategy<Value = Render> {
    prop_oneof![name().prop_map(Render::Word), "[ -~]{0,8}".prop_map(Render::Format)]
}

fn layout_member() -> impl Strategy<Value = LayoutMember> {
    let named = name().prop_filter("a word", |name| name != "addr" && Stored::from_name(name).is_none());
    let holds =
        prop_oneof![stored().prop_map(Holds::Number), Just(Holds::Address), named.prop_map(Holds::Layout),];
    let bits = (0_u8..64).prop_flat_map(|first| (Just(first), 1..=64 - first));
    (any::<u32>(), holds, of(any::<u32>()), name(), of(bits))
        .prop_map(|(offset, holds, count, name, bits)| LayoutMember { offset, holds, count, name, bits })
}

fn line() -> impl Strategy<Value = Line> {
    let abi = || prop_oneof![Just(Abi::X86_64), Just(Abi::I386)];
    let ctype = "(const )?(struct )?[a-z_]{1,6}( \\*){0,2}";
    prop_oneof![
        4 => call().prop_map(Line::Call),
        2 => variant().prop_map(Line::Variant),
        2 => set().prop_map(Line::Set),
        1 => (name(), stored(), vec(render(), 0..3), of(render())).prop_map(|(name, stored, renders, otherwise)| {
            Line::Type(TypeLine { name, stored, renders, otherwise })
        }),
        1 => (name(), stored(), of(name()), vec(of(name()), 1..6)).prop_map(|(name, stored, render, slots)| {
            Line::Bits(Bits { name, stored, render, slots })
        }),
        1 => (name(), of(name()), vec(param(), 0..3), of(0_usize..4)).prop_map(|(name, layout, members, brief)| {
            let brief = brief.map(|at| at.min(members.len()));
            Line::Struct(Struct { name, layout, members, brief })
        }),
        1 => (name(), of(name()), any::<u32>(), vec(layout_member(), 0..3))
            .prop_map(|(name, kernel, size, members)| Line::Layout(Layout { name, kernel, size, members })),
        1 => (name(), expr(), of((stored(), of(name()))), vec((key(), ty()), 0..3)).prop_map(
            |(name, switch, chooser, arms)| {
                let (stored, render) = chooser.unzip();
                Line::Union(Union { name, switch, stored, render: render.flatten(), arms })
            }
        ),
        1 => (name(), any::<u32>(), of(any::<u32>()))
            .prop_map(|(name, size, size_i386)| Line::Object(Object { name, size, size_i386 })),
        1 => (name(), stored(), of(stored()))
            .prop_map(|(name, stored, stored_i386)| Line::CType(CType { name, stored, stored_i386 })),
        1 => (abi(), any::<u32>(), name()).prop_map(|(abi, nr, name)| Line::Number(Number { abi, nr, name })),
        1 => (name(), vec((ctype, name()), 0..6)).prop_map(|(name, params)| Line::Proto(Proto { name, params })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_printed_line_reads_back(lines in vec(line(), 0..4)) {
        let text = print(&lines);
        match parse(&text, "printed") {
            Ok(again) => prop_assert_eq!(again, lines, "{}", text),
            Err(error) => prop_assert!(false, "{}", error.render()),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_with_a_place(bytes in vec(any::<u8>(), 0..200)) {
        if let Err(error) = parse_bytes(&bytes, "bytes") {
            prop_assert!(error.line >= 1 && error.column >= 1);
            prop_assert!(error.render().starts_with("bytes:"));
        }
    }

    #[test]
    fn words_in_any_order_are_read_or_refused(words in vec(proptest::sample::select(WORDS), 0..60)) {
        let text = words.join(" ");
        let _ = parse(&text, "words");
        let mut catalog = Catalog::new();
        match catalog.add(&text, "words") {
            Ok(()) => {
                let mut again = Catalog::new();
                prop_assert!(again.add(&catalog.print(), "printed").is_ok());
                prop_assert_eq!(again, catalog);
            }
            Err(_) => prop_assert_eq!(catalog, Catalog::new()),
        }
    }

    #[test]
    fn a_marker_is_read_or_refused_and_reads_back(format in "([a-c]( |\\(A,_,(\\.\\.\\.,)?B\\) ?)|[#%][%#hlnLzt124]{0,2}[usdxXocp]| |é|\\\\|\"){0,9}") {
        match schema::marker::Marker::new("m", &format) {
            Err(error) => prop_assert!(error.column >= 1),
            Ok(marker) => {
                let line = Line::Marker(marker);
                let text = print([&line]);
                prop_assert_eq!(parse(&text, "printed").ok(), Some(vec![line]));
                let (mut catalog, mut again) = (Catalog::new(), Catalog::new());
                prop_assert!(catalog.add(&text, "m").is_ok());
                prop_assert!(again.add(&catalog.print(), "printed").is_ok());
                prop_assert_eq!(again, catalog);
            }
        }
    }

    #[test]
    fn a_table_cut_anywhere_is_read_or_refused(at in 0usize..4000) {
        let text = include_str!("../tables/calls_network.tt");
        let _ = parse(text.get(..at).unwrap_or(text), "cut");
    }

    #[test]
    fn any_format_is_read_or_refused(text in "(name: sys_enter_[a-z]{0,5}\n|\tfield:[a-z *;:0-9]{0,20}\n|.{0,9}\n){0,6}") {
        let _ = schema::tracefs::parse_format(&text);
    }
}

const WORDS: &[&str] = &[
    "a", "b", "flags", "enum", "type", "bits", "struct", "union", "number", "proto", "object", "ctype",
    "x86_64", "1", "0x7", "(", ")", "[", "]", "{", "}", "<", ">", ",", ";", ":", ".", "..", "=", "+=", "/",
    "*", "+", "-", "if", "else", "of", "as", "in", "out", "pass", "null", "old", "min", "sizeof", "switch",
    "u32", "\n", "#", "\"", "@", "layout", "...",
];

#[test]
fn nesting_is_bounded() {
    for deep in ["(", "!", "-", "old ", "min(", "min(1, "] {
        let text = format!("f(in t a[{}1])", deep.repeat(100_000));
        let error = parse(&text, "deep").unwrap_err();
        assert!(error.to_string().contains("nested or repeated"), "{error}");
    }
    let long = format!("f(int a if {}1)", "1 + ".repeat(100_000));
    assert!(parse(&long, "long").is_err());
    let chain = format!("f({}int a)", "int a else ".repeat(100_000));
    assert!(parse(&chain, "chain").is_err());
    assert!(parse(&format!("f({})", "int a, ".repeat(100_000)), "many").is_err());
}

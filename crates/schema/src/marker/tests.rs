//! Formats and what they mean.

use super::*;
use crate::Catalog;

/// The example that the language was made for, its names spelled out.
const NINE: &str = "sector %llu size %u rw(FAILFAST_DRIVER,FAILFAST_TRANSPORT,FAILFAST_DEV,DISCARD,META,SYNC,\
    BARRIER,AHEAD,RW) %lX not_uptodate #1u%d";
/// The same as it was first written.
const ELIDED: &str = "sector %llu size %u rw(FAILFAST_DRIVER,...,RW) %lX not_uptodate #1u%d";

fn number(bytes: u8, signed: bool) -> Data {
    Data::Number { stored: Stored::new(bytes, signed), network: false }
}

fn line(format: &str) -> String {
    format!("marker bio {format:?}\n")
}

fn lines(format: &str) -> Vec<String> {
    Marker::new("bio", format).unwrap().lines().iter().map(ToString::to_string).collect()
}

fn refused(format: &str) -> String {
    Catalog::new().add(&line(format), "m.tt").unwrap_err().to_string()
}

#[test]
fn the_founding_marker_with_nine_names() {
    let marker = Marker::new("bio", NINE).unwrap();
    let fields: Vec<_> =
        marker.fields.iter().map(|field| (field.name.as_str(), field.data, field.shown)).collect();
    assert_eq!(
        fields,
        [
            ("sector", number(8, false), Shown::Decimal),
            ("size", number(4, false), Shown::Decimal),
            ("rw", number(8, false), Shown::UpperHex),
            ("not_uptodate", number(1, false), Shown::Decimal),
        ]
    );
    assert_eq!(
        lines(NINE),
        [
            "type bio_sector = u64 dec",
            "type bio_size = u32 dec",
            "flags bio_rw : u64 hex = FAILFAST_DRIVER 0x100, FAILFAST_TRANSPORT 0x80, FAILFAST_DEV 0x40, \
             DISCARD 0x20, META 0x10, SYNC 0x8, BARRIER 0x4, AHEAD 0x2, RW 0x1",
            "type bio_not_uptodate = u8 dec",
        ]
    );
    let set = &marker.sets()[0];
    assert_eq!(set.decode(0x1_0009, 64).names, ["SYNC", "RW"]);
    assert_eq!(set.decode(0x1_0009, 64).rest, 0x1_0000);
}

#[test]
fn a_name_left_of_the_dots_has_no_position() {
    let marker = Marker::new("bio", ELIDED).unwrap();
    let list = marker.fields[2].list.as_ref().unwrap();
    assert_eq!(
        list.names,
        [Element::Name("FAILFAST_DRIVER".to_owned()), Element::Elided, Element::Name("RW".to_owned())]
    );
    assert_eq!(lines(ELIDED)[2], "flags bio_rw : u64 hex = RW 0x1");
    // Without any name at a known position there is only the number.
    assert_eq!(lines("rw(A,...) %lX"), ["type bio_rw = u64 hex"]);
}

#[test]
fn a_catalog_keeps_explicit_masks() {
    let mut catalog = Catalog::new();
    catalog.add(&line(NINE), "m.tt").unwrap();
    let marker = catalog.marker("bio").unwrap();
    assert_eq!(marker.format, "sector %llu size %u rw %lX not_uptodate #1u%d");
    let printed = catalog.print();
    // Where the line is broken does not matter here.
    assert_eq!(
        printed.replace("\n    ", " "),
        "flags bio_rw : u64 hex = FAILFAST_DRIVER 0x100, FAILFAST_TRANSPORT 0x80, FAILFAST_DEV 0x40, DISCARD 0x20, META 0x10, SYNC 0x8, BARRIER 0x4, AHEAD 0x2, RW 0x1\n\
         marker bio \"sector %llu size %u rw %lX not_uptodate #1u%d\"\n"
    );
    let mut again = Catalog::new();
    again.add(&printed, "printed.tt").unwrap();
    assert_eq!(again, catalog);
    assert_eq!(catalog.set("bio_rw").unwrap().value("META"), Some(0x10));
}

#[test]
fn a_later_line_corrects_the_masks() {
    let mut catalog = Catalog::new();
    let text =
        line("rw(META,SYNC,RW) %lX") + "flags bio_rw : u64 = META 0x20, UNPLUG 0x10, SYNCIO 0x8, RW 0x1\n";
    catalog.add(&text, "m.tt").unwrap();
    assert_eq!(catalog.set("bio_rw").unwrap().decode(0x11, 64).names, ["UNPLUG", "RW"]);
    catalog.add(&line("rw(SYNC,RW) %lX"), "later.tt").unwrap();
    assert_eq!(catalog.set("bio_rw").unwrap().decode(3, 64).names, ["SYNC", "RW"]);
}

#[test]
fn a_line_prints_as_it_was_written() {
    for format in [NINE, ELIDED, "a %d", "", "100%% of %s"] {
        let parsed = crate::parse(&line(format), "m.tt").unwrap();
        assert_eq!(parsed[0].to_string() + "\n", line(format));
    }
}

#[test]
fn sizes_of_c() {
    let widths = |format: &str| -> Vec<Data> {
        Marker::new("m", format).unwrap().fields.iter().map(|field| field.data).collect()
    };
    assert_eq!(widths("%hd %d"), [number(2, true), number(4, true)]);
    for eight in ["%ld", "%lld", "%Ld", "%zd", "%Zd", "%td"] {
        assert_eq!(widths(eight), [number(8, true)]);
    }
    assert_eq!(widths("%c %p %s"), [number(1, false), number(8, false), Data::Text]);
    // Flags change the text only.
    assert_eq!(widths("%#x %-u %+d %0x").len(), 4);
}

#[test]
fn stored_types() {
    let data = |format: &str| Marker::new("m", format).unwrap().fields[0].data;
    for (digit, bytes) in [("1", 1), ("2", 2), ("4", 4), ("8", 8)] {
        assert_eq!(data(&format!("#{digit}u%lld")), number(bytes, false));
    }
    assert_eq!(data("#hd%d"), number(2, true));
    assert_eq!(data("#x%d"), number(4, false));
    assert_eq!(data("#n2u%d"), Data::Number { stored: Stored::new(2, false), network: true });
    // Text between the two says nothing.
    assert_eq!(Marker::new("m", "port #n2u is %d").unwrap().fields[0].name, "port");
}

#[test]
fn names_are_the_words_before() {
    let names = |format: &str| -> Vec<String> {
        Marker::new("m", format).unwrap().fields.iter().map(|field| field.name.clone()).collect()
    };
    assert_eq!(names("pid=%d, comm: %s"), ["pid", "comm"]);
    assert_eq!(names("%d 7 %s last %%name## %x"), ["arg0", "arg1", "name"]);
    assert_eq!(names("pc(%p) of f()%d"), ["pc", "f"].map(str::to_owned));
}

#[test]
fn the_event_of_a_marker() {
    let event = Marker::new("m", "port #n2u%d name %s").unwrap().event(7, 1);
    let FieldType::Int(port) = &event.fields.fields[0].field_type else { panic!("a number") };
    assert_eq!((port.bits, port.signed, port.byte_order), (16, false, ByteOrder::Big));
    assert_eq!(event.fields.fields[1].field_type, FieldType::String);
    assert_eq!((event.id, event.stream_id, event.name.as_str()), (7, 1, "m"));
}

#[test]
fn what_has_no_meaning_is_refused_with_its_place() {
    assert_eq!(refused("x %5d"), "m.tt:1:16: a width in a marker is not supported here");
    assert_eq!(refused("x %.3d"), "m.tt:1:16: a precision in a marker is not supported here");
    assert_eq!(refused("x %n"), "m.tt:1:16: %n in a marker is not supported here");
    assert_eq!(refused("#a #u"), "m.tt:1:14: a sequence (#a) in a marker is not supported here");
    assert_eq!(refused("rw(A,2) %d"), "m.tt:1:18: expected the name of a bit, '_' or '...', found '2'");
    let end = refused("rw(A");
    assert_eq!(end, "m.tt:1:17: expected ')' after the names of bits, found end of format");
    for wrong in
        ["%f", "%hhd", "#3u%d", "#1c%c", "#1u", "#u#u%d", "#s%d", "#u%s", "a %d a %d", "a(B) %s", "%", "#"]
    {
        assert!(Marker::new("m", wrong).is_err(), "{wrong}");
    }
    assert!(Marker::new("m", "a(A,B,C,D,E,F,G,H,I) #1u%d").is_err());
    assert!(Marker::new("m", &"%d".repeat(256)).is_err());
}

#[test]
fn escapes_do_not_move_the_place() {
    let error = Catalog::new().add(r#"marker m "a\"\\ %q""#, "m.tt").unwrap_err();
    assert_eq!((error.line, error.column), (1, 18));
}

#[test]
fn the_set_of_a_list_may_not_be_something_else() {
    let error = Catalog::new().add("object m_rw 8\nmarker m \"rw(A,B) %d\"", "m.tt").unwrap_err();
    assert_eq!(error.to_string(), "m.tt:2:1: m_rw is defined as memory, this line says flags");
}

//! The formats of all events of the running kernel are read.

use std::fs;
use std::path::Path;

use schema::format;

#[test]
fn every_format_of_the_running_kernel_is_read() {
    let events = Path::new("/sys/kernel/tracing/events");
    let Ok(systems) = fs::read_dir(events) else {
        eprintln!("SKIPPED: tracefs is not mounted at /sys/kernel/tracing, or not readable");
        return;
    };
    let (mut read, mut sets, mut items, mut unknown) = (0, 0, 0, 0);
    let mut refused = Vec::new();
    for system in systems.flatten() {
        for event in fs::read_dir(system.path()).into_iter().flatten().flatten() {
            let path = event.path().join("format");
            let Ok(text) = fs::read_to_string(&path) else { continue };
            match format::parse(&text, &path.display().to_string()) {
                Ok(format) => {
                    read += 1;
                    sets += format.sets.len();
                    items += format.sets.iter().map(|set| set.set.items.len()).sum::<usize>();
                    unknown += format.sets.iter().map(|set| set.unknown.len()).sum::<usize>();
                    assert!(!format.fields.is_empty() && !format.print.is_empty(), "{}", path.display());
                }
                Err(error) => refused.push(error.to_string()),
            }
        }
    }
    eprintln!("{read} formats, {sets} sets, {items} names, {unknown} names without a constant");
    // The text of some events holds names of constants that only a compiler of the kernel knows.
    assert!(unknown * 4 < items, "{unknown} of {items}");
    assert_eq!(refused, Vec::<String>::new());
}

//! The tables that are compiled in.

use std::sync::LazyLock;

use super::Catalog;

macro_rules! table {
    ($file:literal) => {
        ($file, include_str!(concat!("../../tables/", $file)))
    };
}

/// Names and texts of the tables, in the order in which they are added.
const TABLES: &[(&str, &str)] = &[
    table!("numbers_x86_64.tt"),
    table!("numbers_i386.tt"),
    table!("ctypes.tt"),
    table!("types.tt"),
    table!("layouts.tt"),
    table!("sets_generated.tt"),
    table!("sets_by_hand.tt"),
    table!("ioctl.tt"),
    table!("structs.tt"),
    table!("structs_network.tt"),
    table!("structs_addresses.tt"),
    table!("prototypes.tt"),
    table!("calls_file.tt"),
    table!("calls_memory.tt"),
    table!("calls_process.tt"),
    table!("calls_signal.tt"),
    table!("calls_time.tt"),
    table!("calls_network.tt"),
    table!("calls_ipc.tt"),
    table!("calls_system.tt"),
    table!("calls_i386.tt"),
    table!("variants_file.tt"),
    table!("variants_network.tt"),
    table!("variants_process.tt"),
    table!("variants_ipc.tt"),
    table!("structs_commands.tt"),
    table!("structs_ioctl.tt"),
    table!("variants_ioctl.tt"),
    table!("structs_kernel.tt"),
];

static BUILTIN: LazyLock<Catalog> = LazyLock::new(Catalog::compiled_in);

impl Catalog {
    /// The tables that are compiled in, parsed once.
    pub fn builtin() -> &'static Catalog {
        &BUILTIN
    }

    /// The same to be changed, parsed at every call: half the cost of parsing once and copying.
    pub fn compiled_in() -> Catalog {
        let mut catalog = Catalog::new();
        for &(file, text) in TABLES {
            let added = catalog.load(text, file);
            // The texts are constants of this program and a test adds them all.
            debug_assert!(added.is_ok(), "{added:?}");
        }
        catalog.index_constants();
        catalog
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_read() {
        let mut catalog = Catalog::new();
        for &(file, text) in TABLES {
            if let Err(error) = catalog.add(text, file) {
                panic!("{}", error.render());
            }
        }
        assert_eq!(catalog, *Catalog::builtin());
    }

    #[test]
    fn the_printed_catalog_is_the_catalog() {
        let text = Catalog::builtin().print();
        let mut again = Catalog::new();
        again.add(&text, "printed.tt").unwrap();
        assert_eq!(again, *Catalog::builtin());
        assert_eq!(again.print(), text);
    }
}

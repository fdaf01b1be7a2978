//! Tables that are not built in: `types.d/*.tt` of the system and of the user, and files named on the command line.
//!
//! Order: system, user, command line; files of a directory by name; later lines win. A file is taken whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use schema::Catalog;

/// Tables of the system.
const SYSTEM: &str = "/etc/syscribe/types.d";

/// Adds the tables of system and user. One that does not check out is told and left out: it must not stop a recording.
pub fn add_installed(catalog: &mut Catalog, notes: &mut Vec<String>) {
    for directory in [Some(PathBuf::from(SYSTEM)), user()].into_iter().flatten() {
        for path in tables(&directory) {
            if let Err(error) = add(catalog, &path) {
                notes.push(format!("{error:#}; the table stays without this file"));
            }
        }
    }
}

/// Adds tables that the user named: here a fault is an error.
pub fn add_named(catalog: &mut Catalog, files: &[PathBuf]) -> Result<()> {
    files.iter().try_for_each(|path| add(catalog, path))
}

fn user() -> Option<PathBuf> {
    let home = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = home("XDG_CONFIG_HOME").or_else(|| Some(home("HOME")?.join(".config")))?;
    Some(config.join("syscribe/types.d"))
}

/// The `.tt` files of a directory, by name.
fn tables(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut tables: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|e| e == "tt")).collect();
    tables.sort();
    tables
}

fn add(catalog: &mut Catalog, path: &Path) -> Result<()> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Ok(text) = String::from_utf8(bytes) else { bail!("{} is not UTF-8 text", path.display()) };
    if let Err(error) = catalog.add_checked(&text, &path.display().to_string()) {
        // The line with the caret under it does not fit into the one line of a message.
        eprint!("{}", error.render());
        bail!("{} is refused", path.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_whole_or_not_at_all() {
        let directory = std::env::temp_dir().join(format!("syscribe-dropins-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let write = |name: &str, text: &str| fs::write(directory.join(name), text).unwrap();
        write("20-bad.tt", "enum whence : u32 = MINE 7\nclose(fd fd\n");
        write("10-good.tt", "enum whence : u32 = SEEK_MINE 7\n");
        write("note.txt", "not a table");
        let paths = tables(&directory);
        let names: Vec<_> = paths.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(names, ["10-good.tt", "20-bad.tt"]);

        let mut catalog = Catalog::builtin().clone();
        add(&mut catalog, &paths[0]).unwrap();
        let good = catalog.clone();
        assert!(add(&mut catalog, &paths[1]).is_err());
        assert_eq!(catalog, good);
        let whence = catalog.set("whence").unwrap();
        assert_eq!(whence.decode(7, 32).names, ["SEEK_MINE"]);
        fs::remove_dir_all(&directory).unwrap();
    }
}

//! `cargo xtask test` and `cargo xtask ci`.

use anyhow::Result;

use crate::programs::{cargo, install_missing, must, release_directory};

/// Every test there is. The end-to-end tests come last, one at a time: they count losses on a machine that has to be
/// otherwise quiet.
pub(crate) fn test() -> Result<()> {
    install_missing();
    must(&mut cargo(&["build", "--release", "--quiet", "--package", "syscribe", "--package", "tracees"]))?;
    must(&mut cargo(&["test", "--quiet", "--workspace", "--exclude", "e2e", "--no-fail-fast"]))?;
    must(
        cargo(&["test", "--package", "e2e", "--no-fail-fast", "--", "--test-threads=1"])
            .env("SYSCRIBE_BIN_DIR", release_directory()),
    )
}

/// What must hold before a change is taken.
pub(crate) fn ci() -> Result<()> {
    must(&mut cargo(&["fmt", "--all", "--check"]))?;
    must(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    test()
}

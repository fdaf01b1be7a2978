//! One file per command.

pub mod check;
pub mod doctor;
pub mod explain;
pub mod list;
pub mod record;
pub mod show;
pub mod summary;
pub mod trace;

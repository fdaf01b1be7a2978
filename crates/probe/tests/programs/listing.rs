//! A whole program as people see it.

use probe::generate;
use schema::lower::Plan;

use crate::scene::{facts, first, layouts};

#[test]
fn the_listing_of_a_small_program() {
    let all = layouts("number x86_64 110 getppid\ngetppid() = pid\n", &Plan::default());
    let layout = first(&all, "syscall_entry_getppid");
    let program = generate::program(&layout.event.name, &layout.shape, &facts()).unwrap();
    assert_eq!(program.to_string(), include_str!("getppid_entry.txt"));
}

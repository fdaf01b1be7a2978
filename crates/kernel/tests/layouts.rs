//! Real kernel: where the tables say that the members of objects lie, the running kernel has them.

use kernel::types::KernelTypes;
use schema::Catalog;

#[test]
fn members_lie_where_the_tables_say() -> Result<(), Box<dyn std::error::Error>> {
    if !std::path::Path::new(kernel::types::BTF).exists() {
        println!("skipped: no type information");
        return Ok(());
    }
    let catalog = Catalog::builtin();
    let running = KernelTypes::read()?.layouts(catalog);
    // Members come and go at the end and in holes; those of one name stay where programs expect them.
    let mut compared = 0;
    for layout in &running {
        let frozen = catalog.layout(&layout.name).ok_or("a layout that was not asked for")?;
        for member in &layout.members {
            if let Some(old) = frozen.members.iter().find(|old| old.name == member.name) {
                assert_eq!(
                    (old.offset, &old.holds),
                    (member.offset, &member.holds),
                    "{}.{}",
                    layout.name,
                    member.name
                );
                compared += 1;
            }
        }
    }
    println!("{compared} members of {} objects", running.len());
    assert!(compared > 1000, "only {compared} members compared");
    Ok(())
}

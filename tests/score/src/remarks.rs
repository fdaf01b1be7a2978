//! What strace writes behind a result: a name for it, or what the kernel wrote where the arguments lead.

use crate::class::{Class, compare, members};
use crate::log::Call;
use crate::names::Names;
use crate::value::{Item, Value};

/// Compares all remarks of a call. What we do not write there may be the value at exit of one of our arguments.
pub(crate) fn remarks(theirs: &Call, ours: &Call, names: &Names) -> Class {
    theirs.remarks.iter().map(|item| remark(item, ours, names)).max().unwrap_or(Class::Equal)
}

fn remark(item: &Item, ours: &Call, names: &Names) -> Class {
    if let Some(same) = ours.remarks.iter().find(|other| other.name == item.name) {
        return compare(&item.value, &same.value, names);
    }
    let argument = place(&ours.name, item.name.as_deref()).and_then(|place| ours.arguments.get(place));
    let Some(argument) = argument else { return Class::Less };
    let at_exit = match &argument.value {
        Value::Change(_, after) => after,
        whole => whole,
    };
    match (&item.value, at_exit) {
        (Value::List { items: ready, .. }, Value::List { items: all, .. }) if item.name.is_none() => {
            ready.iter().map(|one| among(one, all, names)).max().unwrap_or(Class::Equal)
        }
        _ => compare(&item.value, at_exit, names),
    }
}

/// The argument whose value at exit strace writes behind the result.
fn place(call: &str, remark: Option<&str>) -> Option<usize> {
    match (call, remark) {
        ("poll" | "ppoll", None) => Some(0),
        ("ppoll", Some("left")) => Some(2),
        ("select" | "pselect6", Some("in")) => Some(1),
        ("select" | "pselect6", Some("out")) => Some(2),
        ("select" | "pselect6", Some("except")) => Some(3),
        ("select" | "pselect6" | "recvmmsg", Some("left")) => Some(4),
        _ => None,
    }
}

/// `poll` tells of the descriptors that are ready only, and of these `fd` and `revents`: each is one of our elements.
fn among(ready: &Value, all: &[Value], names: &Names) -> Class {
    let Value::Struct { members: wanted, .. } = ready else { return Class::Wrong };
    let classes = all.iter().map(|one| match one {
        Value::Struct { members: found, .. } => match members(wanted, true, found, names) {
            Class::More => Class::Equal,
            class => class,
        },
        _ => Class::Wrong,
    });
    classes.min().unwrap_or(Class::Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::call;

    #[track_caller]
    fn is(class: Class, theirs: &str, ours: &str) {
        let (theirs, ours) = (call(theirs).unwrap(), call(ours).unwrap());
        assert_eq!(remarks(&theirs, &ours, &Names::builtin()), class, "{}\n{}", theirs.text, ours.text);
    }

    #[test]
    fn a_name_for_the_result_is_compared_with_ours() {
        let theirs = "fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)";
        is(Class::Equal, theirs, theirs);
        is(Class::Less, theirs, "fcntl(3, F_GETFD) = 1");
        is(Class::Wrong, theirs, "fcntl(3, F_GETFD) = 0x1 (flags O_RDWR)");
    }

    #[test]
    fn descriptors_that_are_ready_are_found_among_our_elements() {
        let theirs = "poll([{fd=3, events=POLLIN}, {fd=4, events=0}], 2, 0) = 1 ([{fd=3, revents=POLLIN}])";
        let ours = |revents| {
            format!(
                "poll([{{fd=3, events=POLLIN, revents={revents}}}, {{fd=4, events=0, revents=0}}], 2, 0) = 1"
            )
        };
        is(Class::Equal, theirs, &ours("POLLIN"));
        is(Class::Wrong, theirs, &ours("POLLHUP"));
        is(Class::Less, theirs, "poll(0x7ff0, 2, 0) = 1");
    }

    #[test]
    fn what_is_left_of_a_time_is_the_argument_at_exit() {
        let theirs =
            "select(6, [4 5], NULL, NULL, {tv_sec=9, tv_usec=0}) = 1 (in [5], left {tv_sec=8, tv_usec=1})";
        let ours = "select(6, [4 5] => [5], NULL, NULL, {tv_sec=9, tv_usec=0} => {tv_sec=8, tv_usec=1}) = 1";
        is(Class::Equal, theirs, ours);
        is(Class::Wrong, theirs, &ours.replace("tv_usec=1", "tv_usec=2"));
    }
}

//! `unknown`: calls that no kernel has. Between the marks: number 500 with the arguments 1 to 6, number -1, number 10^9.
//!
//! All fail with ENOSYS. Prints `NUMBER RESULT` for each.

fn main() {
    tracees::mark();
    // SAFETY: no such call exists: nothing is done.
    let results = [500_i64, -1, 1_000_000_000]
        .map(|number| (number, unsafe { tracees::raw(number, [1, 2, 3, 4, 5, 6]) }));
    tracees::mark();
    for (number, ret) in results {
        println!("{number} {}", tracees::result(ret));
    }
}

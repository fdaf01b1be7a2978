//! Events to calls: entry and exit paired, threads and processes followed.
//!
//! ```text
//! ctf::Event --Pairing--> Happening: calls, signals, exits, losses, in the order in which they are shown
//!            --Threads--> who a thread is: process and command name
//! ```
//!
//! Pure: no I/O, no clock. Traces have holes (tracing began in the middle, records were lost), so every step of this crate
//! says what is known and what is not instead of guessing.
#![forbid(unsafe_code)]

mod argument;
mod call;
mod descriptors;
mod evaluate;
mod happening;
mod lifecycle;
mod pairing;
mod role;
mod summary;
mod thread;

pub use call::{ArgValue, Call, Content, Outcome, Part, Pointee, Read, state};
pub use descriptors::Descriptors;
pub use evaluate::{evaluate, leading_integer};
pub use happening::{Damage, Exec, Fork, Happening, Mode, Signal, Superseded, ThreadExit};
pub use lifecycle::{Lifecycle, tid};
pub use pairing::Pairing;
pub use role::{Role, Roles, Slot};
pub use summary::{Row, Summary};
pub use thread::{Comm, Thread, Threads};

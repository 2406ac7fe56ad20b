//! The persisted replica of the structure: its tables, its sink, its tree, the sets of units and who holds which post. Everyone knows
//! the structure: with this a service goes on deciding and counting when hierarchy is down, and begins to do so at once after a
//! restart.

mod post_table;
mod posts;
mod replica;
mod schema;
mod set_table;
mod sets;
mod sink;
mod table;

pub use posts::{Appointment, Posts};
pub use replica::{ReplicaError, UnitReplica};
pub use schema::create_set_and_post_tables;
pub use sets::UnitSets;
pub use sink::UnitSink;
pub use table::create_table;

//! The persisted replica of the structure: its table, its sink, its tree. Everyone knows the tree: with this a service goes on
//! deciding and counting when hierarchy is down, and begins to do so at once after a restart.

mod replica;
mod sink;
mod table;

pub use replica::{ReplicaError, UnitReplica};
pub use sink::UnitSink;
pub use table::create_table;

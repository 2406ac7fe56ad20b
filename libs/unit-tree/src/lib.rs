//! The in-memory replica of the police structure: who stands under whom, answered in nanoseconds.
//!
//! A [`UnitTree`] is an immutable snapshot. Its units lie in pre-order, so that the units under one unit are a contiguous
//! range: whether a station belongs to a zone is two comparisons ([`UnitTree::contains`]), a subtree is a slice, and a
//! sum over a subtree is one of two prefix sums ([`Unit::span`]). A [`Replica`] takes the changes that hierarchy's event
//! log brings and makes a new snapshot of them when one is asked for.
//!
//! ```
//! use senani_unit_tree::{UnitEntry, UnitTree};
//! use uuid::Uuid;
//!
//! # const DISTRICT: i32 = 6;
//! let unit = |id: u128, parent: Option<u128>, kind, slug: &str| UnitEntry {
//!     id: Uuid::from_u128(id),
//!     parent: parent.map(Uuid::from_u128),
//!     kind,
//!     slug: slug.to_owned(),
//!     ..UnitEntry::default()
//! };
//! let tree = UnitTree::build([
//!     unit(3, Some(2), 10, "patna-kotwali-ps"),
//!     unit(1, None, 1, "bihar"),
//!     unit(2, Some(1), DISTRICT, "patna"),
//! ])?;
//! let station = tree.by_slug("patna-kotwali-ps").expect("just built");
//! let district = station.ancestor_of_kind(DISTRICT).expect("it has one");
//! assert_eq!(district.slug(), "patna");
//! assert!(tree.contains(district.place(), station.place()));
//! # Ok::<(), senani_unit_tree::TreeError>(())
//! ```
//!
//! # Size
//!
//! Columns of numbers, one arena for all texts, and two hash tables of four-byte slots: about 130 bytes a unit. A million
//! units load within two seconds and 200 MB (`cargo run --release -p senani-tests --bin bench -- --only tree`).

mod builder;
mod entry;
mod error;
mod index;
mod record;
mod replica;
mod tree;
mod unit;

pub use entry::UnitEntry;
pub use error::TreeError;
pub use replica::Replica;
pub use tree::{Place, UnitTree};
pub use unit::{Ancestors, Children, Subtree, Unit};

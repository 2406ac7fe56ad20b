//! Material for exercises: members who do not exist, on numbers that cannot be a subscriber's, and a poster.
//!
//! The same options give the same bytes on every machine, so that two runs of a demo or a benchmark can be compared.

pub(crate) use self::members::{MembersOptions, members};
pub(crate) use self::poster::poster;

mod demand;
mod members;
mod names;
mod phone;
mod poster;
mod random;
mod wrong;

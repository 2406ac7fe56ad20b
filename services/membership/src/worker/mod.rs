//! What runs by itself.

mod expiry;
mod rewrap;

pub(crate) use expiry::keep_expiring;
pub(crate) use rewrap::keep_keys_wrapped;

//! An order as it was recorded.

use std::collections::BTreeMap;

use senani_order::Order;

/// An order with what the rules do not look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssuedOrder {
    pub(crate) order: Order,
    /// Titles by language.
    pub(crate) titles: BTreeMap<String, String>,
    /// Microseconds since the epoch.
    pub(crate) created_at: i64,
}

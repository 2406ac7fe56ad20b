//! The structure and the orders of Bihar Police, as shipped with the binary.

/// The units, see `data/bihar/README.md`.
pub(crate) const UNITS: &str = include_str!("../../../data/bihar/units.csv");

/// The orders, the earliest first.
pub(crate) const ORDERS: [&str; 2] =
    [include_str!("../../../data/bihar/orders/2018.toml"), include_str!("../../../data/bihar/orders/2020.toml")];

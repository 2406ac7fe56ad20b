//! What the orders in force demand of a unit: pure rules, shared by those who form groups and those who measure.
//!
//! An [`Order`] is a dated, numbered instruction; its [`Rule`]s say what groups each unit of a kind or set must or may
//! have, and of what size. [`validate`] names all that is wrong with one. [`RulesInForce::on`] takes all orders and a date and gives
//! exactly one rule for each unit and [`Slot`] (audience and rank) that any order in force covers: that of the order issued last. So an earlier order keeps its rules where no later one covers them, and nothing in the code knows
//! 100, 200 or 1,024.
//!
//! ```
//! use senani_order::{Audience, Order, Rule, RulesInForce, Slot, Target, Terms};
//!
//! # fn main() -> Result<(), senani_order::DateError> {
//! const STATION: i32 = 10;
//! let order = |slug: &str, date: &str, min| -> Result<Order, senani_order::DateError> {
//!     let terms = Terms { required: true, min, target: min, split_at: min, max: 1024, ..Terms::default() };
//!     let rule = Rule { target: Target::Kind(STATION), audience: Audience::Community, ranks: vec![], terms };
//!     let date = date.parse()?;
//!     Ok(Order { slug: slug.into(), number: slug.into(), issue_date: date, effective_date: date, supersedes: vec![], rules: vec![rule] })
//! };
//! let orders = [order("expansion", "2020-05-20", 200)?, order("founding", "2018-08-10", 100)?];
//!
//! let rules = RulesInForce::on("2019-01-01".parse()?, &orders);
//! assert_eq!(rules.for_unit(STATION, []).all()[0].terms.min, 100);
//! let rules = RulesInForce::on("2020-05-20".parse()?, &orders);
//! let rule = rules.for_unit(STATION, []);
//! let rule = rule.rule(Slot::of(Audience::Community)).expect("covered");
//! assert_eq!((rule.terms.min, rule.order.as_str()), (200, "expansion"));
//! # Ok(())
//! # }
//! ```

mod date;
mod in_force;
mod order;
mod slot;
mod validate;

pub use date::{Date, DateError};
pub use in_force::{RuleInForce, RulesInForce, UnitRules};
pub use order::{Order, Rule, Target, Terms};
pub use slot::{Audience, Person, Rank, Slot};
pub use validate::{Problem, Violation, validate, validate_supersession};

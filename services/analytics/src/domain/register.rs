//! What analytics knows of membership: the orders, and the groups with their sizes.

use std::collections::{BTreeMap, HashMap};

use senani_order::{Audience, Date, Order, Rank, RulesInForce, Slot};
use uuid::Uuid;

/// A chat group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The unit that it is attached to.
    pub unit: Uuid,
    /// Whom it is for: a number of `senani.membership.v1.GroupAudience`.
    pub audience: i32,
    /// The rank of a rank-wise group: a number of `senani.membership.v1.Rank`, 0 for none.
    pub rank: i32,
    /// Whether it is in use; a closed group counts nowhere.
    pub active: bool,
    /// Present enrolments.
    pub enrolled: i64,
}

impl Group {
    /// What an order could demand that this group is; `None` for an audience or rank of a later version of the contract.
    pub fn slot(&self) -> Option<Slot> {
        let audience = Audience::from_number(self.audience)?;
        let rank = if self.rank == 0 { None } else { Some(Rank::from_number(self.rank)?) };
        Some(Slot { audience, rank })
    }
}

/// The orders and groups. Every change carries absolute values, so that taking one twice is harmless.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Register {
    orders: BTreeMap<String, Order>,
    groups: HashMap<Uuid, Group>,
}

impl Register {
    /// Takes an order as issued.
    pub fn issue(&mut self, order: Order) {
        self.orders.insert(order.slug.clone(), order);
    }

    /// Takes a group as it is now.
    pub fn put(&mut self, id: Uuid, group: Group) {
        self.groups.insert(id, group);
    }

    /// Takes the size of a group; of one that is not known, nothing.
    pub fn resize(&mut self, id: Uuid, enrolled: i64) {
        if let Some(group) = self.groups.get_mut(&id) {
            group.enrolled = enrolled;
        }
    }

    /// All groups, in no order.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// What the orders demand on a day.
    pub fn rules_on(&self, date: Date) -> RulesInForce {
        let orders: Vec<Order> = self.orders.values().cloned().collect();
        RulesInForce::on(date, &orders)
    }
}

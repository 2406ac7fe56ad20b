//! Which slots of which units have active groups.

use sea_orm::{ConnectionTrait, Statement};
use senani_order::Order;
use senani_order::validate_supersession;
use uuid::Uuid;

use super::groups::slot;
use super::{Registry, orders};
use crate::convert;
use crate::domain::{GroupState, HeldSlots};
use crate::error::Error;

impl Registry {
    /// Groups are some thousands: a look at the whole state needs them all.
    pub(crate) async fn held_slots(&self) -> Result<HeldSlots, Error> {
        let db = self.store.reader();
        let sql =
            "SELECT unit_id, audience, rank, slug, enrolled_count FROM member_group WHERE state = $1 ORDER BY slug";
        let active = GroupState::Active as i32;
        let rows =
            db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [active.into()])).await?;
        let mut held = HeldSlots::new();
        for row in &rows {
            let unit: Uuid = row.try_get_by_index(0)?;
            let slot = slot(row.try_get_by_index(1)?, row.try_get_by_index(2)?)?;
            let size: i32 = row.try_get_by_index(4)?;
            let parts = &mut held.entry(unit).or_default().entry(slot).or_default().parts;
            parts.push((row.try_get_by_index(3)?, i64::from(size)));
        }
        Ok(held)
    }

    /// The orders issued so far, when a new one may stand beside them. `positions` are those of its rules in the request.
    pub(crate) async fn orders_beside(&self, order: &Order, positions: &[usize]) -> Result<Vec<Order>, Error> {
        let known = orders::load(self.store.reader(), None).await?;
        let known: Vec<Order> = known.into_iter().map(|issued| issued.order).collect();
        if known.iter().any(|known| known.slug == order.slug) {
            return Err(Error::SlugTaken(convert::order_name(&order.slug)));
        }
        let violations = validate_supersession(order, &known);
        if violations.is_empty() {
            return Ok(known);
        }
        Err(Error::Invalid(
            violations.iter().map(|violation| convert::violation(violation, order, positions)).collect(),
        ))
    }
}

//! Who has sent us a message.

use sea_orm::{ConnectionTrait, Statement};
use senani_vault::BlindIndex;
use uuid::Uuid;

use super::Registry;
use crate::domain::{GroupState, MemberState};
use crate::error::Error;

/// Groups of one member that an answer names at most.
const GROUPS: i64 = 50;

/// The present holder of a number or a user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sender {
    pub(crate) member: Uuid,
    pub(crate) unit: Uuid,
    /// Units of the groups that the member is in, communities first.
    pub(crate) group_units: Vec<Uuid>,
}

impl Registry {
    /// Whose an identifier is now, by its blind index. Who has left, or whose entry was merged, still has told what they tell.
    pub(crate) async fn sender(&self, index: &BlindIndex) -> Result<Option<Sender>, Error> {
        let db = self.store.reader();
        let backend = db.get_database_backend();
        let holder = Statement::from_sql_and_values(
            backend,
            "SELECT m.id, m.unit_id FROM member_identifier h JOIN member m ON m.id = h.member_id \
             WHERE h.value_index = $1 AND h.valid_to = 0 AND m.state <> $2",
            [index.to_vec().into(), (MemberState::Erased as i32).into()],
        );
        let Some(row) = db.query_one_raw(holder).await? else { return Ok(None) };
        let (member, unit): (Uuid, Uuid) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let groups = Statement::from_sql_and_values(
            backend,
            "SELECT g.unit_id FROM enrolment e JOIN member_group g ON g.id = e.group_id \
             WHERE e.member_id = $1 AND e.ended_at = 0 AND g.state = $2 ORDER BY g.audience, g.slug LIMIT $3",
            [member.into(), (GroupState::Active as i32).into(), GROUPS.into()],
        );
        let rows = db.query_all_raw(groups).await?;
        let group_units = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
        Ok(Some(Sender { member, unit, group_units }))
    }
}

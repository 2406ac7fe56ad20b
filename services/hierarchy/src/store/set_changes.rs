//! Changes of a set itself: its names, and its end.

use std::collections::BTreeMap;

use prost::Message;
use sea_orm::{ConnectionTrait, Statement};
use senani_error::Kind;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_store::WriteTransaction;
use uuid::Uuid;

use super::posts::Deed;
use super::units::{Beginning, finish};
use super::{Units, sets};
use crate::convert;
use crate::domain::{FOREVER, UnitSet};
use crate::error::Error;

/// Units in one event at most.
const UNITS: usize = 500;

impl Units {
    /// Gives a set other names.
    pub(crate) async fn rename_set(
        &self,
        slug: &str,
        names: BTreeMap<String, String>,
        deed: Deed<'_>,
    ) -> Result<pb::UnitSet, Error> {
        let mut txn = match self.begin(deed.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return Ok(pb::UnitSet::decode(answer.as_slice())?),
        };
        let mut set = read(&txn, slug, &deed.etag).await?;
        let changed = set.names != names;
        if changed {
            set.names = names;
            set.version += 1;
            sets::update(&txn, &set).await?;
        }
        let answer = convert::unit_set(&set);
        finish(&txn, deed.repeat.as_ref(), &answer).await?;
        if changed {
            txn.append(vec![convert::unit_set_changed(&set, &[], &[])]).await?;
        }
        txn.commit().await?;
        Ok(answer)
    }

    /// Closes a set from a day on: what is in it leaves it then.
    pub(crate) async fn close_set(&self, slug: &str, from: &str, deed: Deed<'_>) -> Result<pb::UnitSet, Error> {
        let mut txn = match self.begin(deed.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return Ok(pb::UnitSet::decode(answer.as_slice())?),
        };
        let mut set = read(&txn, slug, &deed.etag).await?;
        sets::check_open(&set)?;
        if let Some((unit, date)) = last_change(&txn, slug).await?
            && from < date.as_str()
        {
            return Err(convert::too_early(&format!("units/{unit}"), &date));
        }
        let members = sets::members(&*txn, slug).await?;
        set.units = 0;
        from.clone_into(&mut set.closed_on);
        set.version += 1;
        let answer = convert::unit_set(&set);
        if deed.validate_only {
            return Ok(answer);
        }
        sets::take_out(&txn, slug, &members, from).await?;
        sets::update(&txn, &set).await?;
        finish(&txn, deed.repeat.as_ref(), &answer).await?;
        txn.append(events(&set, &members)).await?;
        txn.commit().await?;
        Ok(answer)
    }
}

/// That a set is closed, and what has left it.
fn events(set: &UnitSet, members: &[Uuid]) -> Vec<senani_proto::eventlog::v1::event::Payload> {
    if members.is_empty() {
        return vec![convert::unit_set_changed(set, &[], &[])];
    }
    members.chunks(UNITS).map(|units| convert::unit_set_changed(set, &[], units)).collect()
}

/// A set as the caller has seen it.
async fn read(txn: &WriteTransaction, slug: &str, etag: &str) -> Result<UnitSet, Error> {
    let set = sets::find(&**txn, slug).await?;
    if etag.is_empty() || etag == convert::etag(set.version) {
        return Ok(set);
    }
    let name = format!("unitSets/{slug}");
    let what = format!("{name} has changed since it was read");
    Err(Error::listed(Kind::Aborted, ErrorReason::EtagMismatch, what, &[("unit_set", &name)]))
}

/// The unit that was the last to come or leave, and its day.
async fn last_change(txn: &WriteTransaction, slug: &str) -> Result<Option<(String, String)>, Error> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "SELECT u.slug, CASE WHEN m.valid_until = $2 THEN m.valid_from ELSE m.valid_until END AS changed_on \
         FROM unit_set_member m JOIN unit u ON u.id = m.unit_id WHERE m.set_slug = $1 \
         ORDER BY changed_on DESC, u.slug LIMIT 1",
        [slug.into(), FOREVER.into()],
    );
    let row = txn.query_one_raw(statement).await?;
    Ok(row.map(|row| Ok::<_, sea_orm::DbErr>((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()?)
}

//! What applied differences add to the history of members.

use sea_orm::DbErr;
use senani_store::{Rows, Timestamp, WriteTransaction};
use uuid::Uuid;

use crate::domain::roster::Change;
use crate::domain::{HappenedAct, IdentifierKind, Mark};

/// Adds an entry for each changed number, each enrolment that began or ended. The members are held, so that times of a member differ.
pub(super) async fn add(
    txn: &WriteTransaction,
    now: Timestamp,
    subject: &str,
    group_slug: &str,
    renumbered: &[Uuid],
    changes: &[Change],
) -> Result<(), DbErr> {
    let group = || vec![group_slug.to_owned()];
    let phone = Mark { code: IdentifierKind::Phone as i32, ..Mark::default() };
    let joined = Mark { joined: group(), ..Mark::default() };
    let left = Mark { left: group(), ..Mark::default() };
    let come = |change: &Change| if let Change::Enrol(member, _) = change { Some(*member) } else { None };
    let gone = |change: &Change| if let Change::End(member) = change { Some(*member) } else { None };
    // One after the other: a member whose number changed may come into the group too.
    for (act, mark, members) in [
        (HappenedAct::IdentifierAdded, phone, renumbered.to_vec()),
        (HappenedAct::Enrolled, joined, changes.iter().filter_map(come).collect()),
        (HappenedAct::EnrolmentEnded, left, changes.iter().filter_map(gone).collect()),
    ] {
        let mark = serde_json::to_string(&mark).map_err(|error| DbErr::Json(error.to_string()))?;
        Rows::new()
            .uuid("member_id", members)
            .execute(
                &**txn,
                "INSERT INTO member_history (member_id, recorded_at, act, subject, mark, note_sealed) \
                 SELECT v.member_id, (SELECT CASE WHEN COALESCE(MAX(h.recorded_at), 0) >= :1 THEN MAX(h.recorded_at) + 1 \
                 ELSE :1 END FROM member_history h WHERE h.member_id = v.member_id), :2, :3, :4, :5 FROM v",
                &[now.0.into(), (act as i32).into(), subject.into(), mark.into(), Vec::<u8>::new().into()],
            )
            .await?;
    }
    Ok(())
}

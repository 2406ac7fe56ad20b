//! Rosters and comparisons in the contract's words. Numbers are masked here.

use senani_proto::membership::v1 as pb;
use senani_proto::membership::v1::roster_difference::Kind;
use senani_store::Timestamp;
use senani_vault::PhoneNumber;

use crate::convert;
use crate::domain::Role;
use crate::domain::roster::{Reconciliation, RecordedDifference, RosterLine};

/// Strangers that an answer lists at most.
const STRANGERS: usize = 2_000;

pub(super) fn entry(line: &RosterLine) -> pb::RosterEntry {
    pb::RosterEntry {
        member: convert::member_name(line.member),
        role: line.role,
        start_time: Timestamp(line.started_at).to_proto(),
        display_names: line.names.clone(),
        masked_phone: masked(line.phone.as_ref()),
    }
}

pub(super) fn reconciliation(reconciliation: &Reconciliation) -> pb::Reconciliation {
    let group = format!("groups/{}", reconciliation.group_slug);
    let differences = reconciliation.differences.iter().map(difference);
    let strangers = reconciliation.strangers.iter().take(STRANGERS).map(stranger);
    pb::Reconciliation {
        name: format!("{group}/reconciliations/{}", reconciliation.id),
        group,
        format: reconciliation.format as i32,
        language: reconciliation.language.clone(),
        in_both_count: reconciliation.in_both_count,
        stranger_count: reconciliation.stranger_count,
        unnumbered_count: reconciliation.unnumbered_count,
        foreign_count: reconciliation.foreign_count,
        complete: reconciliation.complete,
        differences: differences.chain(strangers).collect(),
        etag: convert::etag(reconciliation.version),
        create_time: Timestamp(reconciliation.created_at).to_proto(),
        expire_time: Timestamp(reconciliation.expires_at).to_proto(),
    }
}

fn difference(difference: &RecordedDifference) -> pb::RosterDifference {
    let role = |role: Option<Role>| role.map_or(0, |role| role as i32);
    pb::RosterDifference {
        id: difference.place.to_string(),
        kind: difference.kind as i32,
        member: convert::member_name(difference.member),
        display_names: difference.names.clone(),
        masked_phone: masked(difference.phone.as_ref()),
        masked_new_phone: masked(difference.new_phone.as_ref()),
        role: role(difference.role),
        applied_role: role(difference.applied_role),
        evidence: difference.evidence.map_or(0, |evidence| evidence as i32),
        obstacle: difference.obstacle.map_or(0, |obstacle| obstacle as i32),
        apply_time: Timestamp(difference.applied_at).to_proto(),
    }
}

fn stranger(number: &PhoneNumber) -> pb::RosterDifference {
    pb::RosterDifference {
        kind: Kind::Stranger.into(),
        masked_phone: number.masked(),
        obstacle: pb::roster_difference::Obstacle::Stranger.into(),
        ..Default::default()
    }
}

fn masked(number: Option<&PhoneNumber>) -> String {
    number.map_or_else(String::new, PhoneNumber::masked)
}

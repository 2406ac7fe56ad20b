//! What PrivacyService answers, from what the register found.

use std::collections::{BTreeMap, BTreeSet};

use senani_proto::membership::v1::erasure_receipt::destroyed::Thing as DestroyedThing;
use senani_proto::membership::v1::erasure_receipt::remaining::{Ground, Thing as RemainingThing};
use senani_proto::membership::v1::erasure_receipt::{Destroyed, Remaining};
use senani_proto::membership::v1::{self as pb};
use senani_store::Timestamp;
use senani_unit_tree::UnitTree;
use senani_vault::Vault;

use crate::convert;
use crate::domain::{AuditEntry, Erasure, ErasureReason, Identifier, PersonExport, RecordedEnrolment};

pub(super) fn export(export: &PersonExport, tree: &UnitTree) -> pb::PersonExport {
    pb::PersonExport {
        member: Some(convert::member(&export.member, tree)),
        identifiers: export.identifiers.iter().map(identifier).collect(),
        consents: export.consents.iter().map(convert::consent).collect(),
        enrolments: export.enrolments.iter().map(enrolment).collect(),
        audit_entries: export.audit_entries.iter().map(audit_entry).collect(),
        history: export.history.iter().map(|happening| convert::happening(happening, tree)).collect(),
        household_known: export.household_known,
        export_time: Timestamp(export.exported_at).to_proto(),
        incidents: export
            .incidents
            .iter()
            .map(|(incident, note)| pb::Incident { note: note.0.clone(), ..convert::incident(incident) })
            .collect(),
    }
}

fn identifier(identifier: &Identifier) -> pb::PersonIdentifier {
    pb::PersonIdentifier {
        kind: identifier.kind as i32,
        value: identifier.value.clone(),
        start_time: Timestamp(identifier.valid_from).to_proto(),
        end_time: Timestamp(identifier.valid_to).to_proto(),
        member: convert::member_name(identifier.member),
    }
}

fn enrolment(recorded: &RecordedEnrolment) -> pb::PersonEnrolment {
    pb::PersonEnrolment {
        group: convert::group_name(&recorded.enrolment.group_slug),
        role: recorded.enrolment.role,
        start_time: Timestamp(recorded.enrolment.started_at).to_proto(),
        end_time: Timestamp(recorded.ended_at).to_proto(),
        member: convert::member_name(recorded.member),
    }
}

pub(super) fn audit_entry(entry: &AuditEntry) -> pb::AuditEntry {
    pb::AuditEntry {
        uid: entry.id.to_string(),
        member: convert::member_name(entry.member),
        action: entry.action as i32,
        subject: entry.subject.clone(),
        create_time: Timestamp(entry.recorded_at).to_proto(),
        reason: entry.reason.clone(),
        erasure_reason: entry.erasure_reason.map_or(0, |reason: ErasureReason| reason as i32),
        reference: entry.reference.clone(),
    }
}

pub(super) fn receipt(erasure: &Erasure) -> pb::ErasureReceipt {
    let records = 1 + i64::try_from(erasure.merged.len()).unwrap_or_default();
    let destroyed = [
        (DestroyedThing::DataKey, records),
        (DestroyedThing::Names, records),
        (DestroyedThing::Identifiers, erasure.identifiers),
        (DestroyedThing::Attributes, records),
        (DestroyedThing::DisclosureReasons, erasure.disclosures),
        (DestroyedThing::HistoryMarks, erasure.happenings),
    ];
    let remaining = [
        (RemainingThing::Id, Ground::Anonymous, records),
        (RemainingThing::Consents, Ground::ProofOfConsent, erasure.consents),
        (RemainingThing::Enrolments, Ground::Anonymous, erasure.enrolments),
        (RemainingThing::Audit, Ground::Accountability, erasure.audit_entries),
        (RemainingThing::History, Ground::Accountability, erasure.happenings),
        (RemainingThing::Incidents, Ground::Anonymous, erasure.incidents),
    ];
    pb::ErasureReceipt {
        name: convert::member_name(erasure.member),
        reason: erasure.reason as i32,
        reference: erasure.reference.clone(),
        destroyed: destroyed.into_iter().map(|(thing, count)| Destroyed { thing: thing as i32, count }).collect(),
        remaining: remaining
            .into_iter()
            // Most people have none.
            .filter(|(thing, _, count)| *thing != RemainingThing::Incidents || *count > 0)
            .map(|(thing, ground, count)| Remaining { thing: thing as i32, ground: ground as i32, count })
            .collect(),
        groups: erasure.groups.iter().map(|slug| convert::group_name(slug)).collect(),
        erase_time: Timestamp(erasure.erased_at).to_proto(),
        merged: erasure.merged.iter().copied().map(convert::member_name).collect(),
    }
}

pub(super) fn key_status(counts: &BTreeMap<i32, i64>, vault: &Vault) -> pb::KeyStatus {
    let held: BTreeSet<i32> = vault.versions().into_iter().map(i32::from).collect();
    let newest = i32::from(vault.newest_version());
    let versions: BTreeSet<i32> = held.iter().chain(counts.keys()).copied().collect();
    let version = |version| pb::KeyVersion {
        version,
        key_count: counts.get(&version).copied().unwrap_or_default(),
        newest: version == newest,
        held: held.contains(&version),
    };
    pb::KeyStatus { versions: versions.into_iter().map(version).collect() }
}

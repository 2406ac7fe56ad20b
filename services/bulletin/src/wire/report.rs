//! Reports, between the domain's types and the contract's messages.

use senani_proto::bulletin::v1 as pb;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::name::{BulletinName, MemberName, ReportName};
use senani_store::Timestamp;
use senani_unit_tree::UnitTree;
use uuid::Uuid;

use super::{event, uid_bytes, unit_name};
use crate::domain::report::Report;
use crate::domain::report::content::{Position, Told};
use crate::domain::report::outcome::Outcome;

/// A report without its content.
pub(crate) fn report(report: &Report, tree: &UnitTree) -> pb::Report {
    let member = |id: Option<Uuid>| id.map_or(String::new(), |id| MemberName(id).to_string());
    pb::Report {
        name: ReportName(report.id).to_string(),
        state: report.state.code(),
        kind: report.kind,
        category: report.category,
        severity: report.severity,
        unit: unit_name(report.unit, tree),
        escalated_unit: report.escalated_unit.map_or(String::new(), |unit| unit_name(unit, tree)),
        escalation_count: report.escalation_count,
        bulletin: report.bulletin.map_or(String::new(), |id| BulletinName(id).to_string()),
        reporter: member(report.reporter),
        anonymous: report.anonymous,
        source: report.source,
        assignee: member(report.assignee),
        merged_into: report.merged_into.map_or(String::new(), |id| ReportName(id).to_string()),
        frequently_forwarded: report.frequently_forwarded,
        outcomes: report.outcomes.iter().map(outcome).collect(),
        content: None,
        due_time: Timestamp(report.due_at).to_proto(),
        receive_time: Timestamp(report.received_at).to_proto(),
        triage_time: Timestamp(report.triaged_at).to_proto(),
        resolve_time: Timestamp(report.resolved_at).to_proto(),
        retain_until_time: Timestamp(report.retain_until).to_proto(),
        erase_time: Timestamp(report.erased_at).to_proto(),
        entry_count: report.entry_count,
        etag: report.etag(),
    }
}

/// A report as it is after a change: codes, counts and times.
pub(crate) fn report_changed(report: &Report) -> Payload {
    event(pb::bulletin_event::Kind::ReportChanged(pb::ReportChanged {
        report_uid: uid_bytes(report.id),
        unit_uid: uid_bytes(report.unit),
        bulletin_uid: report.bulletin.map(uid_bytes).unwrap_or_default(),
        state: report.state.code(),
        kind: report.kind,
        category: report.category,
        severity: report.severity,
        source: report.source,
        outcomes: report.outcomes.iter().map(outcome).collect(),
        escalation_count: report.escalation_count,
        receive_time: Timestamp(report.received_at).to_proto(),
        triage_time: Timestamp(report.triaged_at).to_proto(),
        resolve_time: Timestamp(report.resolved_at).to_proto(),
        entry_count: report.entry_count,
        chain_head: report.chain_head.clone().into(),
    }))
}

pub(crate) fn outcome(outcome: &Outcome) -> pb::Outcome {
    use pb::outcome::Kind;
    let kind = match *outcome {
        Outcome::PersonFound { count } => Kind::PersonFound(pb::PersonFound { count }),
        Outcome::SuspectIdentified { count } => Kind::SuspectIdentified(pb::SuspectIdentified { count }),
        Outcome::Arrest { count } => Kind::Arrest(pb::Arrest { count }),
        Outcome::Seizure { item, quantity_millis, measure } => {
            Kind::Seizure(pb::Seizure { item, quantity_millis, measure })
        }
        Outcome::AmountSaved { paise } => Kind::AmountSaved(pb::AmountSaved { amount_paise: paise }),
        Outcome::FalseReport => Kind::FalseReport(pb::FalseReport {}),
        Outcome::NothingFound => Kind::NothingFound(pb::NothingFound {}),
    };
    pb::Outcome { kind: Some(kind) }
}

/// The outcome of a message; `None` when it names none.
pub(crate) fn outcome_of(message: &pb::Outcome) -> Option<Outcome> {
    use pb::outcome::Kind;
    Some(match message.kind.as_ref()? {
        Kind::PersonFound(found) => Outcome::PersonFound { count: found.count },
        Kind::SuspectIdentified(identified) => Outcome::SuspectIdentified { count: identified.count },
        Kind::Arrest(arrest) => Outcome::Arrest { count: arrest.count },
        Kind::Seizure(seizure) => Outcome::Seizure {
            // Codes that this version does not know are none.
            item: seizure.item() as i32,
            quantity_millis: seizure.quantity_millis,
            measure: seizure.measure() as i32,
        },
        Kind::AmountSaved(saved) => Outcome::AmountSaved { paise: saved.amount_paise },
        Kind::FalseReport(_) => Outcome::FalseReport,
        Kind::NothingFound(_) => Outcome::NothingFound,
    })
}

/// What was told, as far as it can be wrong.
pub(crate) fn told(content: &pb::ReportContent) -> Told<'_> {
    let place = content.place.as_ref();
    Told {
        text: &content.text,
        place_text: place.map_or("", |place| &place.text),
        degrees: place.map(|place| (place.latitude, place.longitude)),
        occurred_at: content.occur_time.as_ref().map_or(0, |time| Timestamp::from_proto(time).0),
    }
}

/// Where something was told to be.
pub(crate) fn position(place: Option<&pb::ReportPlace>) -> Option<Position> {
    place.and_then(|place| Position::of(place.latitude, place.longitude))
}

/// What was told, as an entry holds it.
pub(crate) fn body(content: pb::ReportContent) -> pb::ReportEntryBody {
    pb::ReportEntryBody {
        text: content.text,
        place: content.place,
        occur_time: content.occur_time,
        ..pb::ReportEntryBody::default()
    }
}

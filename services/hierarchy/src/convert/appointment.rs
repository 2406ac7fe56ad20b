//! Appointments and transfers, between the contract and the domain.

use senani_error::Kind;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_proto::name::{AppointmentName, MemberName, TransferName};
use senani_store::Timestamp;
use uuid::Uuid;

use super::{etag, too_early};
use crate::domain::{Appointment, FOREVER, Held, LeftBehind, Objection, Transfer};
use crate::error::{Error, Wrong};
use crate::store::Answer;

pub(crate) fn appointment(appointment: &Appointment) -> pb::Appointment {
    pb::Appointment {
        name: AppointmentName(appointment.id).to_string(),
        officer: MemberName(appointment.officer).to_string(),
        unit: format!("units/{}", appointment.unit_slug),
        post: appointment.post as i32,
        nature: appointment.nature as i32,
        start_date: appointment.start_date.clone(),
        end_date: if appointment.end_date == FOREVER { String::new() } else { appointment.end_date.clone() },
        start_time: Timestamp(appointment.start).to_proto(),
        end_time: if appointment.is_open_ended() { None } else { Timestamp(appointment.end).to_proto() },
        delegated_from: appointment.delegated_from.map_or_else(String::new, |id| AppointmentName(id).to_string()),
        reason: appointment.reason.clone(),
        appointed_by: appointment.appointed_by.clone(),
        ended_by: appointment.ended_by.clone(),
        etag: etag(appointment.version),
        create_time: Timestamp(appointment.created_at).to_proto(),
        update_time: Timestamp(appointment.updated_at).to_proto(),
    }
}

/// One that is only asked about: what comes with the record is not there yet.
pub(crate) fn imagined(imagined: &Appointment) -> pb::Appointment {
    pb::Appointment {
        name: String::new(),
        etag: String::new(),
        create_time: None,
        update_time: None,
        ..appointment(imagined)
    }
}

/// The event of a change. A reason is an officer's own words and stays out of it, and so does who acted.
pub(crate) fn appointment_changed(changed: &Appointment) -> Payload {
    let told = pb::Appointment {
        reason: String::new(),
        appointed_by: String::new(),
        ended_by: String::new(),
        ..appointment(changed)
    };
    Payload::Hierarchy(pb::HierarchyEvent {
        kind: Some(pb::hierarchy_event::Kind::AppointmentChanged(pb::AppointmentChanged {
            appointment: Some(told),
            unit_uid: changed.unit.to_string(),
        })),
    })
}

pub(crate) fn transfer(transfer: &Transfer) -> pb::Transfer {
    pb::Transfer {
        name: TransferName(transfer.id).to_string(),
        appointment: AppointmentName(transfer.appointment).to_string(),
        officer: MemberName(transfer.officer).to_string(),
        unit: format!("units/{}", transfer.unit_slug),
        post: transfer.post as i32,
        effective_date: transfer.effective_date.clone(),
        state: transfer.state as i32,
        left_behind: transfer.left_behind.as_ref().map(left_behind),
        new_appointment: transfer.new_appointment.map_or_else(String::new, |id| AppointmentName(id).to_string()),
        force_reason: transfer.force_reason.clone(),
        forced_by: transfer.forced_by.clone(),
        begun_by: transfer.begun_by.clone(),
        etag: etag(transfer.version),
        create_time: Timestamp(transfer.created_at).to_proto(),
        update_time: Timestamp(transfer.updated_at).to_proto(),
        end_time: Timestamp(transfer.ended_at).to_proto(),
    }
}

fn left_behind(left: &LeftBehind) -> pb::LeftBehind {
    let Held { names: groups, count: group_count } = left.groups.clone();
    let Held { names: tasks, count: task_count } = left.tasks.clone();
    let Held { names: reports, count: report_count } = left.reports.clone();
    pb::LeftBehind { groups, group_count, tasks, task_count, reports, report_count }
}

pub(crate) fn answer(answer: &Answer) -> pb::WhoIsAnswerableResponse {
    pb::WhoIsAnswerableResponse {
        time: Timestamp(answer.moment).to_proto(),
        appointment: answer.appointment.as_ref().map(appointment),
        head: answer.head.as_ref().map(appointment),
        vacant: answer.steps.len() != 1 || answer.appointment.is_none(),
        steps: answer
            .steps
            .iter()
            .map(|(slug, finding)| pb::AnswerStep { unit: format!("units/{slug}"), finding: *finding as i32 })
            .collect(),
        break_glass: answer.break_glass.iter().map(appointment).collect(),
    }
}

/// The id in the name of an appointment; `field` is where the name stands in the request.
pub(crate) fn appointment_id(name: &str, field: &str) -> Result<Uuid, Error> {
    let name: AppointmentName = name.parse().map_err(|error| name_invalid(field, &error))?;
    Ok(name.0)
}

/// The id in the name of a transfer.
pub(crate) fn transfer_id(name: &str) -> Result<Uuid, Error> {
    let name: TransferName = name.parse().map_err(|error| name_invalid("name", &error))?;
    Ok(name.0)
}

/// The id of an officer; `field` is where the name stands in the request.
pub(crate) fn officer(name: &str, field: &str) -> Result<Uuid, Error> {
    let name: MemberName = name.parse().map_err(|error| name_invalid(field, &error))?;
    Ok(name.0)
}

fn name_invalid(field: &str, error: &dyn std::error::Error) -> Error {
    Error::invalid(ErrorReason::NameInvalid, field, error.to_string())
}

pub(crate) fn appointment_not_found(id: Uuid) -> Error {
    let name = AppointmentName(id).to_string();
    let reason = ErrorReason::AppointmentNotFound;
    Error::listed(Kind::NotFound, reason, format!("no such appointment: {name}"), &[("appointment", &name)])
}

pub(crate) fn transfer_not_found(id: Uuid) -> Error {
    let name = TransferName(id).to_string();
    let reason = ErrorReason::TransferNotFound;
    Error::listed(Kind::NotFound, reason, format!("no such transfer: {name}"), &[("transfer", &name)])
}

/// What the rules object to, in the unit with this slug.
pub(crate) fn objection(objection: Objection, slug: &str) -> Error {
    let unit = format!("units/{slug}");
    let named = |id: Uuid| AppointmentName(id).to_string();
    let refused = |reason, what: &str, about: &[_]| Error::listed(Kind::FailedPrecondition, reason, what, about);
    match objection {
        Objection::Unknown(id) => appointment_not_found(id),
        Objection::HeadTaken(id) => {
            let about = [("unit", unit.as_str()), ("appointment", &named(id))];
            Error::listed(Kind::AlreadyExists, ErrorReason::HeadTaken, "the unit has a head", &about)
        }
        Objection::AlreadyAppointed(id) => {
            let about = [("unit", unit.as_str()), ("appointment", &named(id))];
            let what = "the officer holds this post of the unit";
            Error::listed(Kind::AlreadyExists, ErrorReason::AlreadyAppointed, what, &about)
        }
        Objection::TooEarly(earliest) => too_early(&unit, &earliest),
        Objection::Ended(id) => {
            refused(ErrorReason::AppointmentEnded, "the appointment is over", &[("appointment", &named(id))])
        }
        Objection::NatureWrong(id, nature) => {
            let about = [("appointment", named(id)), ("nature", nature.name().to_owned())];
            let about = about.each_ref().map(|(key, value)| (*key, value.as_str()));
            refused(ErrorReason::NatureWrong, "the call is not for appointments of this nature", &about)
        }
        Objection::OwnDelegate => {
            Error::invalid(ErrorReason::DelegateIsHolder, "officer", "nobody stands in for themselves")
        }
        Objection::DelegatedAlready(id, delegation) => {
            let what = "the appointment is delegated at that time";
            let (appointment, delegation) = (named(id), named(delegation));
            let about = [("appointment", appointment.as_str()), ("delegation", delegation.as_str())];
            refused(ErrorReason::DelegatedAlready, what, &about)
        }
        Objection::Term(hours) => {
            let what = format!("the time begins now or later, ends after that and within {hours} hours");
            Error::Invalid(vec![Wrong::new(ErrorReason::TermInvalid, "end_time", what).with("longest_hours", hours)])
        }
    }
}

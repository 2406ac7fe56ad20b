//! The life of a member for the wire.

use senani_proto::membership::v1 as pb;
use senani_proto::name::NoticeName;
use senani_store::Timestamp;
use senani_unit_tree::UnitTree;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{group_name, member_name};
use crate::domain::{Happening, ListedConsent, ListedIdentifier, Notice};
use crate::store::ListedStay;

pub(crate) fn notice_name(slug: &str) -> String {
    format!("{}/{slug}", NoticeName::COLLECTION)
}

pub(crate) fn notice(notice: &Notice) -> pb::Notice {
    let fingerprint = Sha256::digest(notice.content());
    pb::Notice {
        name: notice_name(&notice.slug),
        titles: notice.titles.clone(),
        texts: notice.texts.clone(),
        purposes: notice.purposes.iter().map(|purpose| *purpose as i32).collect(),
        effective_date: notice.effective_date.to_string(),
        fingerprint: fingerprint.iter().map(|byte| format!("{byte:02x}")).collect(),
        create_time: Timestamp(notice.created_at).to_proto(),
        publisher: notice.publisher.clone(),
    }
}

pub(crate) fn identifier(identifier: &ListedIdentifier) -> pb::MemberIdentifier {
    pb::MemberIdentifier {
        kind: identifier.kind as i32,
        masked_value: identifier.masked.clone(),
        start_time: Timestamp(identifier.valid_from).to_proto(),
        end_time: Timestamp(identifier.valid_to).to_proto(),
        member: member_name(identifier.member),
    }
}

pub(crate) fn past_enrolment(stay: &ListedStay) -> pb::PastEnrolment {
    pb::PastEnrolment {
        group: group_name(&stay.group_slug),
        start_time: Timestamp(stay.started_at).to_proto(),
        end_time: Timestamp(stay.ended_at).to_proto(),
        member: member_name(stay.member),
    }
}

pub(crate) fn consent(consent: &ListedConsent) -> pb::Consent {
    let version = &consent.notice_version;
    pb::Consent {
        purpose: consent.purpose,
        given: consent.given,
        notice: if version.is_empty() { String::new() } else { notice_name(version) },
        language: consent.language.clone(),
        channel: consent.channel,
        record_time: Timestamp(consent.recorded_at).to_proto(),
        recorded_by: consent.recorded_by.clone(),
        member: member_name(consent.member),
    }
}

pub(crate) fn happening(happening: &Happening, tree: &UnitTree) -> pb::MemberEvent {
    let unit = |id: Option<Uuid>| {
        let unit = id.and_then(|id| tree.by_id(id));
        unit.map_or_else(String::new, |unit| format!("units/{}", unit.slug()))
    };
    let groups = |slugs: &[String]| slugs.iter().map(|slug| group_name(slug)).collect();
    let mark = &happening.mark;
    pb::MemberEvent {
        act: happening.act,
        time: Timestamp(happening.at).to_proto(),
        subject: happening.subject.clone(),
        code: mark.code,
        fields: mark.fields.clone(),
        from_unit: unit(mark.from_unit),
        to_unit: unit(mark.to_unit),
        groups_left: groups(&mark.left),
        groups_joined: groups(&mark.joined),
        other_member: mark.other.map_or_else(String::new, member_name),
        note: happening.note.clone(),
        member: member_name(happening.member),
    }
}

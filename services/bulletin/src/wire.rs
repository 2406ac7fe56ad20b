//! From the domain's types to the contract's messages: for answers and for events.

use bytes::Bytes;
use senani_proto::bulletin::v1 as pb;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::name::{BulletinName, DeliveryName, MemberName, PublicationName, TaskName};
use senani_store::Timestamp;
use senani_unit_tree::UnitTree;
use uuid::Uuid;

use crate::domain::bulletin::Bulletin;
use crate::domain::delivery::Delivery;
use crate::domain::poster::Poster;
use crate::domain::task::Task;
use crate::selector;
use crate::store::publications::Publication;

pub(crate) mod report;

/// The 16 bytes of a UUID.
pub(crate) fn uid_bytes(uid: Uuid) -> Bytes {
    Bytes::copy_from_slice(uid.as_bytes())
}

pub(crate) fn bulletin(bulletin: &Bulletin) -> pb::Bulletin {
    pb::Bulletin {
        name: BulletinName(bulletin.id).to_string(),
        number: bulletin.number.clone(),
        issuing_unit: format!("units/{}", bulletin.issuing_unit.slug),
        state: bulletin.state.code(),
        category: bulletin.category,
        severity: bulletin.severity,
        headlines: bulletin.headlines.clone().into_iter().collect(),
        texts: bulletin.texts.clone().into_iter().collect(),
        poster: bulletin.poster.as_ref().map(poster),
        author: bulletin.author.clone(),
        approver: bulletin.approver.clone(),
        etag: bulletin.etag(),
        create_time: Timestamp(bulletin.created_at).to_proto(),
        approve_time: Timestamp(bulletin.approved_at).to_proto(),
        publish_time: Timestamp(bulletin.published_at).to_proto(),
        visibility: bulletin.visibility.code(),
        verification_code: bulletin.code.map_or(String::new(), |code| code.to_string()),
    }
}

fn poster(poster: &Poster) -> pb::Poster {
    pb::Poster {
        media_type: poster.media_type.clone(),
        size: poster.size,
        width: poster.width,
        height: poster.height,
        sha256: poster.sha256.clone(),
    }
}

pub(crate) fn publication(publication: &Publication) -> pb::Publication {
    pb::Publication {
        name: PublicationName { bulletin: publication.bulletin, uid: publication.id }.to_string(),
        audience: Some(selector::of(&publication.audience)),
        state: publication.state,
        task_count: publication.task_count,
        delivery_count: publication.delivery_count,
        person_count: publication.person_count,
        create_time: Timestamp(publication.created_at).to_proto(),
    }
}

pub(crate) fn delivery(delivery: &Delivery, tree: &UnitTree) -> pb::Delivery {
    let standing = &delivery.standing;
    pb::Delivery {
        name: DeliveryName { bulletin: delivery.bulletin, uid: delivery.id }.to_string(),
        member: MemberName(delivery.member).to_string(),
        unit: unit_name(delivery.unit, tree),
        channel: delivery.channel.clone(),
        state: standing.state.code(),
        reason: standing.reason.clone(),
        attempt_count: delivery.attempt_count,
        provider_message_id: standing.provider_message_id.clone(),
        create_time: Timestamp(delivery.created_at).to_proto(),
        send_time: Timestamp(standing.sent_at).to_proto(),
        deliver_time: Timestamp(standing.delivered_at).to_proto(),
        read_time: Timestamp(standing.read_at).to_proto(),
        fail_time: Timestamp(standing.failed_at).to_proto(),
    }
}

pub(crate) fn task(task: &Task, tree: &UnitTree) -> pb::Task {
    pb::Task {
        name: TaskName { bulletin: task.bulletin, uid: task.id }.to_string(),
        group: format!("groups/{}", task.group),
        unit: unit_name(task.unit, tree),
        custodian: task.custodian.map_or(String::new(), |custodian| MemberName(custodian).to_string()),
        state: task.state.code(),
        create_time: Timestamp(task.created_at).to_proto(),
    }
}

/// Empty for a unit that hierarchy has not told us of.
fn unit_name(unit: Uuid, tree: &UnitTree) -> String {
    tree.by_id(unit).map_or(String::new(), |unit| format!("units/{}", unit.slug()))
}

/// A bulletin as it is after a change, without its texts.
pub(crate) fn bulletin_changed(of: &Bulletin) -> Payload {
    let mut bulletin = bulletin(of);
    bulletin.headlines.clear();
    bulletin.texts.clear();
    event(pb::bulletin_event::Kind::BulletinChanged(pb::BulletinChanged { bulletin: Some(bulletin) }))
}

/// Lines of a bulletin's deliveries after a change.
pub(crate) fn reach_changed(bulletin: Uuid, lines: Vec<pb::ReachLine>) -> Payload {
    event(pb::bulletin_event::Kind::ReachChanged(pb::ReachChanged { bulletin_uid: uid_bytes(bulletin), lines }))
}

/// Lines of a bulletin's tasks after a change.
pub(crate) fn tasks_changed(bulletin: Uuid, lines: Vec<pb::TaskLine>) -> Payload {
    event(pb::bulletin_event::Kind::TasksChanged(pb::TasksChanged { bulletin_uid: uid_bytes(bulletin), lines }))
}

fn event(kind: pb::bulletin_event::Kind) -> Payload {
    Payload::Bulletin(pb::BulletinEvent { kind: Some(kind) })
}

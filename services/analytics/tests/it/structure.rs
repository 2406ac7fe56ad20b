//! A small state, its orders and its groups, as the events that tell of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use senani_proto::bulletin::v1 as bulletin;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::hierarchy::v1::{HierarchyEvent, Unit, UnitChanged, UnitKind, hierarchy_event};
use senani_proto::membership::v1::{self as membership, GroupAudience, Rank, membership_event};
use uuid::Uuid;

/// Slug, slug of the parent, kind. The number of a unit's id is its place here.
pub(crate) const UNITS: [(&str, &str, UnitKind); 16] = [
    ("bihar", "", UnitKind::StateHq),
    ("central-range", "bihar", UnitKind::Range),
    ("patna", "central-range", UnitKind::District),
    ("patna-lines", "patna", UnitKind::DistrictPoliceCentre),
    ("patna-sadar", "patna", UnitKind::Subdivision),
    ("kotwali-ps", "patna-sadar", UnitKind::Station),
    ("gandhi-maidan-ps", "patna-sadar", UnitKind::Station),
    ("pirbahore-op", "kotwali-ps", UnitKind::Outpost),
    ("nalanda", "central-range", UnitKind::District),
    ("nalanda-lines", "nalanda", UnitKind::DistrictPoliceCentre),
    ("rajgir", "nalanda", UnitKind::Subdivision),
    ("rajgir-ps", "rajgir", UnitKind::Station),
    ("silao-ps", "rajgir", UnitKind::Station),
    ("economic-offences", "bihar", UnitKind::Wing),
    ("eou-patna", "economic-offences", UnitKind::WingRegionalOffice),
    ("eou-gaya", "economic-offences", UnitKind::WingRegionalOffice),
];

pub(crate) fn unit_id(slug: &str) -> Uuid {
    let place = UNITS.iter().position(|(known, ..)| *known == slug).expect("a unit of this state");
    Uuid::from_u128(0x100 + place as u128)
}

pub(crate) fn units() -> Vec<Payload> {
    UNITS.iter().map(|(slug, parent, kind)| unit(unit_id(slug), slug, parent, *kind)).collect()
}

pub(crate) fn unit(id: Uuid, slug: &str, parent: &str, kind: UnitKind) -> Payload {
    let name = |slug: &str| if slug.is_empty() { String::new() } else { format!("units/{slug}") };
    let unit = Unit {
        name: name(slug),
        uid: id.to_string(),
        kind: kind as i32,
        parent: name(parent),
        display_names: [("hi".to_owned(), format!("इकाई {slug}")), ("en".to_owned(), slug.to_owned())].into(),
        open_date: "2018-01-01".to_owned(),
        ..Unit::default()
    };
    let parent_uid = if parent.is_empty() { String::new() } else { unit_id(parent).to_string() };
    let kind = Some(hierarchy_event::Kind::UnitChanged(UnitChanged { unit: Some(unit), parent_uid }));
    Payload::Hierarchy(HierarchyEvent { kind })
}

/// What both orders together demand today, written out by hand: kind, audience, rank, minimum.
pub(crate) const DEMANDS: [(UnitKind, GroupAudience, Rank, i64); 6] = [
    // Of 2020, where 2018 said 100.
    (UnitKind::Station, GroupAudience::Community, Rank::Unspecified, 200),
    (UnitKind::Outpost, GroupAudience::Community, Rank::Unspecified, 100),
    (UnitKind::DistrictPoliceCentre, GroupAudience::PoliceRank, Rank::Constable, 200),
    (UnitKind::DistrictPoliceCentre, GroupAudience::PoliceRank, Rank::Havildar, 200),
    (UnitKind::Wing, GroupAudience::Apex, Rank::Unspecified, 20),
    // Of 2018: 2020 does not speak of subdivisions here.
    (UnitKind::Subdivision, GroupAudience::Community, Rank::Unspecified, 200),
];

pub(crate) fn order_2018() -> membership::Order {
    let community = |kind, min| rule(kind, GroupAudience::Community, &[], true, min);
    order("order-2018", "2018-08-01", vec![community(UnitKind::Station, 100), community(UnitKind::Subdivision, 200)])
}

pub(crate) fn order_2020() -> membership::Order {
    let ranks = [Rank::Constable, Rank::Havildar];
    let rules = vec![
        rule(UnitKind::Station, GroupAudience::Community, &[], true, 200),
        rule(UnitKind::Outpost, GroupAudience::Community, &[], true, 100),
        rule(UnitKind::DistrictPoliceCentre, GroupAudience::PoliceRank, &ranks, true, 200),
        rule(UnitKind::Wing, GroupAudience::Apex, &[], true, 20),
        // May exist, need not.
        rule(UnitKind::WingRegionalOffice, GroupAudience::Regional, &[], false, 50),
    ];
    let supersedes = vec!["orders/order-2018".to_owned()];
    membership::Order { supersedes, ..order("order-2020", "2020-05-20", rules) }
}

fn order(slug: &str, date: &str, rules: Vec<membership::OrderRule>) -> membership::Order {
    membership::Order {
        name: format!("orders/{slug}"),
        number: slug.to_owned(),
        titles: [("hi".to_owned(), "आदेश".to_owned())].into(),
        issue_date: date.to_owned(),
        effective_date: date.to_owned(),
        rules,
        ..membership::Order::default()
    }
}

fn rule(kind: UnitKind, audience: GroupAudience, ranks: &[Rank], required: bool, min: i32) -> membership::OrderRule {
    membership::OrderRule {
        unit_kind: kind as i32,
        audience: audience as i32,
        ranks: ranks.iter().map(|rank| *rank as i32).collect(),
        required,
        min,
        target: min,
        split_at: 900,
        max: 1024,
        ..membership::OrderRule::default()
    }
}

pub(crate) fn order_issued(order: membership::Order) -> Payload {
    membership_event(membership_event::Kind::OrderIssued(membership::OrderIssued { order: Some(order) }))
}

fn membership_event(kind: membership_event::Kind) -> Payload {
    Payload::Membership(membership::MembershipEvent { kind: Some(kind) })
}

/// The register of groups, as membership would have it.
#[derive(Default)]
pub(crate) struct Groups(BTreeMap<Uuid, membership::Group>);

impl Groups {
    /// A group at a unit, of a size: the event of it.
    pub(crate) fn form(&mut self, number: u128, unit: &str, audience: GroupAudience, rank: Rank, size: i32) -> Payload {
        let id = Uuid::from_u128(0x10_000 + number);
        let group = membership::Group {
            name: format!("groups/group-{number}"),
            uid: id.to_string(),
            unit: format!("units/{unit}"),
            unit_uid: unit_id(unit).to_string(),
            audience: audience as i32,
            rank: rank as i32,
            state: membership::group::State::Active as i32,
            enrolled_count: size,
            ..membership::Group::default()
        };
        self.0.insert(id, group.clone());
        group_changed(group)
    }

    /// Closes a group: the event of it.
    pub(crate) fn close(&mut self, number: u128) -> Payload {
        let group = self.0.get_mut(&Uuid::from_u128(0x10_000 + number)).expect("a group");
        group.state = membership::group::State::Closed as i32;
        group_changed(group.clone())
    }

    /// Gives groups other sizes: the event of it.
    pub(crate) fn resize(&mut self, sizes: &[(u128, i32)]) -> Payload {
        let sizes = sizes.iter().map(|(number, enrolled_count)| {
            let id = Uuid::from_u128(0x10_000 + number);
            self.0.get_mut(&id).expect("a group").enrolled_count = *enrolled_count;
            membership::GroupSize { group_uid: uid(id), enrolled_count: *enrolled_count }
        });
        let sizes = sizes.collect();
        membership_event(membership_event::Kind::GroupSizesChanged(membership::GroupSizesChanged { sizes }))
    }

    /// The register as events, for a snapshot.
    pub(crate) fn present(&self, orders: &[membership::Order]) -> Vec<Payload> {
        orders.iter().cloned().map(order_issued).chain(self.0.values().cloned().map(group_changed)).collect()
    }
}

fn group_changed(group: membership::Group) -> Payload {
    membership_event(membership_event::Kind::GroupChanged(membership::GroupChanged { group: Some(group) }))
}

pub(crate) fn uid(id: Uuid) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}

pub(crate) fn bulletin_changed(id: Uuid, number: &str) -> Payload {
    let bulletin = bulletin::Bulletin {
        name: format!("bulletins/{id}"),
        number: number.to_owned(),
        ..bulletin::Bulletin::default()
    };
    bulletin_event(bulletin::bulletin_event::Kind::BulletinChanged(bulletin::BulletinChanged {
        bulletin: Some(bulletin),
    }))
}

/// Unit, state, reason, count.
pub(crate) type Delivered<'a> = (Uuid, bulletin::delivery::State, &'a str, i64);

pub(crate) fn reach_changed(id: Uuid, lines: &[Delivered<'_>]) -> Payload {
    let lines = lines.iter().map(|(unit, state, reason, count)| bulletin::ReachLine {
        unit_uid: uid(*unit),
        state: *state as i32,
        reason: (*reason).to_owned(),
        count: *count,
    });
    let lines = lines.collect();
    bulletin_event(bulletin::bulletin_event::Kind::ReachChanged(bulletin::ReachChanged {
        bulletin_uid: uid(id),
        lines,
    }))
}

pub(crate) fn tasks_changed(id: Uuid, lines: &[(Uuid, i64, i64)]) -> Payload {
    let lines = lines.iter().map(|(unit, open_count, orphaned_count)| bulletin::TaskLine {
        unit_uid: uid(*unit),
        open_count: *open_count,
        orphaned_count: *orphaned_count,
    });
    let lines = lines.collect();
    bulletin_event(bulletin::bulletin_event::Kind::TasksChanged(bulletin::TasksChanged {
        bulletin_uid: uid(id),
        lines,
    }))
}

fn bulletin_event(kind: bulletin::bulletin_event::Kind) -> Payload {
    Payload::Bulletin(bulletin::BulletinEvent { kind: Some(kind) })
}

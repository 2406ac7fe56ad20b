//! A small structure of units.

use senani_proto::eventlog::v1::event::Payload;
use senani_proto::hierarchy::v1::{
    Appointment, AppointmentChanged, AppointmentNature, HierarchyEvent, Post, Unit, UnitChanged, UnitKind,
    hierarchy_event::Kind,
};
use uuid::Uuid;

/// A unit by its slug; its id follows from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FakeUnit {
    pub(crate) slug: &'static str,
    pub(crate) parent: Option<&'static str>,
    pub(crate) kind: UnitKind,
}

impl FakeUnit {
    pub(crate) const ALL: [Self; 10] = [
        Self { slug: "bihar", parent: None, kind: UnitKind::StateHq },
        Self { slug: "eou", parent: Some("bihar"), kind: UnitKind::Wing },
        Self { slug: "central-range", parent: Some("bihar"), kind: UnitKind::Range },
        Self { slug: "magadh-range", parent: Some("bihar"), kind: UnitKind::Range },
        Self { slug: "patna", parent: Some("central-range"), kind: UnitKind::District },
        Self { slug: "gaya", parent: Some("magadh-range"), kind: UnitKind::District },
        Self { slug: "patna-kotwali-ps", parent: Some("patna"), kind: UnitKind::Station },
        Self { slug: "patna-gandhi-maidan-ps", parent: Some("patna"), kind: UnitKind::Station },
        Self { slug: "gaya-kotwali-ps", parent: Some("gaya"), kind: UnitKind::Station },
        Self { slug: "gaya-civil-lines-ps", parent: Some("gaya"), kind: UnitKind::Station },
    ];

    /// The id of the unit with this slug.
    pub(crate) fn id(slug: &str) -> Uuid {
        let at = Self::ALL.iter().position(|unit| unit.slug == slug).expect("a unit of the structure");
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + at as u128)
    }

    /// Whether `slug` is `top` or under it.
    pub(crate) fn is_within(top: &str, slug: &str) -> bool {
        let unit = Self::ALL.iter().find(|unit| unit.slug == slug).expect("a unit of the structure");
        slug == top || unit.parent.is_some_and(|parent| Self::is_within(top, parent))
    }
}

/// The structure as hierarchy tells it.
pub(crate) fn structure_events() -> Vec<Payload> {
    FakeUnit::ALL
        .iter()
        .map(|unit| {
            let changed = UnitChanged {
                unit: Some(Unit {
                    name: format!("units/{}", unit.slug),
                    uid: FakeUnit::id(unit.slug).to_string(),
                    kind: unit.kind.into(),
                    ..Unit::default()
                }),
                parent_uid: unit.parent.map_or(String::new(), |parent| FakeUnit::id(parent).to_string()),
            };
            Payload::Hierarchy(HierarchyEvent { kind: Some(Kind::UnitChanged(changed)) })
        })
        .collect()
}

/// An officer who heads a unit since long ago, as hierarchy tells it.
pub(crate) fn appointment(officer: Uuid, unit: &str) -> Payload {
    let appointment = Appointment {
        name: format!("appointments/{officer}"),
        officer: format!("members/{officer}"),
        unit: format!("units/{unit}"),
        post: Post::Head.into(),
        nature: AppointmentNature::Substantive.into(),
        start_time: Some(prost_types::Timestamp { seconds: 1_000_000, nanos: 0 }),
        ..Appointment::default()
    };
    let unit_uid = FakeUnit::id(unit).to_string();
    let changed = AppointmentChanged { appointment: Some(appointment), unit_uid };
    Payload::Hierarchy(HierarchyEvent { kind: Some(Kind::AppointmentChanged(changed)) })
}

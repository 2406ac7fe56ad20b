//! What tests put into a cell: the structure of Bihar Police, two orders, generated members.

use std::path::Path;
use std::process::Command;

use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::{GroupAudience, Order, OrderRule, Rank};

use crate::binary;

/// The units of Bihar Police.
pub const UNITS: &str = include_str!("../../data/bihar/units.csv");

/// The whole state.
pub const STATE: &str = "units/bihar-hq";

/// A part of it.
pub const RANGE: &str = "units/patna-range";

/// One district.
pub const DISTRICT: &str = "units/patna-district";

/// Members as CSV, as `senani generate members` writes them.
///
/// # Panics
/// When it does not.
#[must_use]
pub fn members(count: usize, seed: u64) -> Vec<u8> {
    generated(count, seed, None)
}

/// Members of another structure, whose units are in a file.
///
/// # Panics
/// When they cannot be made.
#[must_use]
pub fn members_of(count: usize, seed: u64, units: &Path) -> Vec<u8> {
    generated(count, seed, Some(units))
}

fn generated(count: usize, seed: u64, units: Option<&Path>) -> Vec<u8> {
    let mut command: Command = binary::command();
    command.args(["generate", "members", "--count", &count.to_string(), "--seed", &seed.to_string()]);
    if let Some(units) = units {
        command.arg("--units").arg(units);
    }
    let output = command.output().expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Rows of a CSV file that [`members`] wrote, without its header.
#[must_use]
pub fn row_count(members: &[u8]) -> i64 {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(members);
    i64::try_from(reader.byte_records().count()).expect("a file has not that many rows")
}

/// Unit kind, audience, ranks, minimum of each group, ranks of its custodians.
type Demand = (UnitKind, GroupAudience, &'static [Rank], i32, &'static [Rank]);

const FOUNDING: &[Demand] = &[
    (UnitKind::Station, GroupAudience::Community, &[], 100, &[Rank::SubInspector, Rank::Inspector]),
    (UnitKind::Outpost, GroupAudience::Community, &[], 100, &[Rank::SubInspector]),
    (UnitKind::Subdivision, GroupAudience::Community, &[], 200, &[Rank::Dsp, Rank::Inspector]),
    (UnitKind::District, GroupAudience::Community, &[], 100, &[Rank::Sp, Rank::Dsp]),
];

const EXPANSION: &[Demand] = &[
    (UnitKind::Station, GroupAudience::Community, &[], 2, &[Rank::SubInspector, Rank::Inspector]),
    (UnitKind::Outpost, GroupAudience::Community, &[], 1, &[Rank::SubInspector, Rank::AssistantSubInspector]),
    (UnitKind::Subdivision, GroupAudience::Community, &[], 2, &[Rank::Dsp, Rank::Inspector]),
    (
        UnitKind::DistrictPoliceCentre,
        GroupAudience::PoliceRank,
        &[Rank::Constable, Rank::Havildar, Rank::AssistantSubInspector, Rank::SubInspector],
        2,
        &[Rank::Inspector, Rank::Dsp],
    ),
    (UnitKind::DistrictPoliceCentre, GroupAudience::WomenPolice, &[], 2, &[Rank::Inspector, Rank::Dsp]),
    (UnitKind::Wing, GroupAudience::Apex, &[], 2, &[Rank::Dsp, Rank::Sp]),
    (UnitKind::WingRegionalOffice, GroupAudience::Regional, &[], 2, &[Rank::Inspector, Rank::Dsp]),
    (UnitKind::Battalion, GroupAudience::Regional, &[], 2, &[Rank::Dsp, Rank::Inspector]),
];

/// Slugs and orders: the founding of 2018, and the expansion of 2020 that supersedes it for what it covers, with minimums that a few
/// hundred members can meet.
#[must_use]
pub fn orders() -> [(&'static str, Order); 2] {
    [
        ("order-2018", order("2018-08-01", &[], FOUNDING)),
        ("order-2020", order("2020-05-20", &["orders/order-2018"], EXPANSION)),
    ]
}

fn order(date: &str, supersedes: &[&str], demands: &[Demand]) -> Order {
    let titles = [("hi", "साइबर सेनानी समूह"), ("en", "Cyber Senani groups")];
    Order {
        number: format!("Test {date}"),
        titles: titles.map(|(language, title)| (language.to_owned(), title.to_owned())).into(),
        issue_date: date.to_owned(),
        effective_date: date.to_owned(),
        supersedes: supersedes.iter().map(|&slug| slug.to_owned()).collect(),
        rules: demands.iter().map(rule).collect(),
        ..Order::default()
    }
}

fn rule(&(kind, audience, ranks, min, custodians): &Demand) -> OrderRule {
    let numbers = |ranks: &[Rank]| ranks.iter().map(|&rank| i32::from(rank)).collect();
    OrderRule {
        unit_kind: kind.into(),
        audience: audience.into(),
        ranks: numbers(ranks),
        required: true,
        min,
        target: 250,
        split_at: 900,
        max: 1_024,
        due_date: String::new(),
        custodian_ranks: numbers(custodians),
        unit_set: String::new(),
    }
}

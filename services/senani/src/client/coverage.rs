//! `senani coverage`.

use senani_client::Channel;
use senani_proto::analytics::v1::coverage_service_client::CoverageServiceClient;
use senani_proto::analytics::v1::{Coverage, CoverageFigures, GetCoverageRequest};
use senani_proto::hierarchy::v1::UnitKind;

use super::figures::{number, share, table};
use super::{connect, told};
use crate::cli::{Door, PartKind};

/// Prints coverage of a unit.
pub(crate) async fn show(unit: &str, by: Option<PartKind>, door: &Door) -> anyhow::Result<()> {
    let coverage = get(connect(door)?, unit, by.map_or(UnitKind::Unspecified, kind)).await?;
    print!("{}", render(&coverage));
    Ok(())
}

fn kind(part: PartKind) -> UnitKind {
    match part {
        PartKind::Zone => UnitKind::Zone,
        PartKind::Range => UnitKind::Range,
        PartKind::District => UnitKind::District,
        PartKind::Subdivision => UnitKind::Subdivision,
        PartKind::Station => UnitKind::Station,
        PartKind::Wing => UnitKind::Wing,
    }
}

/// Asks for coverage.
pub(crate) async fn get(channel: Channel, unit: &str, part_kind: UnitKind) -> anyhow::Result<Coverage> {
    let request = GetCoverageRequest { unit: unit.to_owned(), part_kind: part_kind.into() };
    let response = CoverageServiceClient::new(channel).get_coverage(request).await;
    Ok(response.map_err(|status| told(&status))?.into_inner())
}

/// Coverage as a table.
pub(crate) fn render(coverage: &Coverage) -> String {
    let header = ["", "expected", "formed", "short", "members", "of", "missing", "reached", ""];
    let mut rows: Vec<Vec<String>> = coverage
        .parts
        .iter()
        .map(|part| {
            let names = &part.display_names;
            let english = names.get("en").or_else(|| names.get("hi")).unwrap_or(&part.unit);
            row(english, part.figures.as_ref(), names.get("hi").map_or("", String::as_str))
        })
        .collect();
    if coverage.rest.as_ref().is_some_and(|rest| rest.expected_groups > 0 || rest.enrolled_members > 0) {
        rows.push(row("elsewhere", coverage.rest.as_ref(), ""));
    }
    rows.push(row(&coverage.unit, coverage.figures.as_ref(), ""));
    table(&header, &rows)
}

fn row(name: &str, figures: Option<&CoverageFigures>, hindi: &str) -> Vec<String> {
    let figures = figures.copied().unwrap_or_default();
    vec![
        name.to_owned(),
        number(figures.expected_groups),
        number(figures.formed_groups),
        number(figures.short_groups),
        number(figures.enrolled_members),
        number(figures.expected_members),
        number(figures.missing_members),
        share(figures.expected_members - figures.missing_members, figures.expected_members),
        hindi.to_owned(),
    ]
}

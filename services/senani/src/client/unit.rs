//! `senani unit`.

use senani_proto::hierarchy::v1::unit_service_client::UnitServiceClient;
use senani_proto::hierarchy::v1::{Certainty, GetUnitRequest, ListAncestorsRequest, ListUnitsRequest, Unit, UnitKind};

use super::{connect, told};
use crate::cli::Door;

/// Prints a unit, the way up from it and its children, as of a day or (empty) now.
pub(crate) async fn show(name: &str, as_of: &str, door: &Door) -> anyhow::Result<()> {
    let mut units = UnitServiceClient::new(connect(door)?);
    let (name, as_of) = (name.to_owned(), as_of.to_owned());
    let unit = units.get_unit(GetUnitRequest { name: name.clone(), as_of: as_of.clone() }).await;
    let unit = unit.map_err(|status| told(&status))?.into_inner();
    let ancestors = units.list_ancestors(ListAncestorsRequest { name: name.clone(), as_of: as_of.clone() }).await;
    let ancestors = ancestors.map_err(|status| told(&status))?.into_inner().units;
    let request = ListUnitsRequest { parent: name, as_of, page_size: 500, ..ListUnitsRequest::default() };
    let children = units.list_units(request).await.map_err(|status| told(&status))?.into_inner();

    for (depth, above) in ancestors.iter().rev().enumerate() {
        println!("{}{}", "  ".repeat(depth), line(above));
    }
    let depth = ancestors.len();
    println!("{}{}", "  ".repeat(depth), line(&unit));
    for child in &children.units {
        println!("{}{}", "  ".repeat(depth + 1), line(child));
    }
    if !children.next_page_token.is_empty() {
        println!("{}…", "  ".repeat(depth + 1));
    }
    Ok(())
}

fn line(unit: &Unit) -> String {
    let name = |language| unit.display_names.get(language).map_or("", String::as_str);
    let kind = unit.kind().as_str_name().trim_start_matches("UNIT_KIND_").to_lowercase().replace('_', " ");
    let mark = if unit.certainty() == Certainty::Synthetic { ", synthetic" } else { "" };
    let closed = if unit.close_date.is_empty() { String::new() } else { format!(", closed from {}", unit.close_date) };
    debug_assert_ne!(unit.kind(), UnitKind::Unspecified);
    format!("{} ({kind}{mark}{closed})  {}  {}", name("en"), name("hi"), unit.name)
}

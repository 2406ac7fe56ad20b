//! How many people each unit gets: what the orders demand, varied so that some groups fall short and some must be split.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::random::Random;

const PURPOSE_SIZE: u64 = 3;

/// Custodians of a unit: one and a backup.
const CUSTODIANS: usize = 2;

/// With fewer rows than this for each unit, only some of the units are filled.
const ROWS_PER_UNIT: u64 = 4;

/// A unit with the people to be made for it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) slug: String,
    /// Where it lies, as far as languages go.
    pub(super) region: Region,
    /// Ranks of its custodians, in their order; at most two.
    pub(super) custodians: Vec<String>,
    pub(super) groups: Vec<Group>,
}

/// The people to be made for one group of a unit, besides the custodians.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) audience: Audience,
    pub(super) people: u64,
}

/// Whom a group is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// The public, with some police.
    Community,
    /// Police of one rank.
    Rank(String),
    /// Women of the police.
    WomenPolice,
    /// Police of a headquarters: officers of every rank.
    Officers,
    /// Police of a regional office or a battalion: mostly constables.
    Regional,
}

/// The language that is spoken beside Hindi.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    Bhojpuri,
    Magahi,
    Maithili,
    Hindi,
}

#[derive(Debug, Deserialize)]
struct Order {
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Clone, Debug, Deserialize)]
struct Rule {
    kind: String,
    audience: String,
    #[serde(default)]
    ranks: Vec<String>,
    /// Members below which a group is short.
    min: u64,
    /// Members that a group can hold.
    max: u64,
    #[serde(default)]
    custodian_ranks: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Unit {
    slug: String,
    parent: String,
    kind: String,
}

/// The places for `count` people, in the order of `units` (CSV, parents before children), by `orders` (TOML, the earliest first).
///
/// # Errors
/// Text that cannot be read, an unknown audience, or no unit of which an order demands a group.
pub(super) fn places(units: &str, orders: &[&str], count: u64, seed: u64) -> Result<Vec<Place>> {
    let rules = rules_in_force(orders)?;
    let mut ranges: HashMap<String, Region> = HashMap::new();
    let mut places = Vec::new();
    let mut sizes = Vec::new();
    for unit in csv::Reader::from_reader(units.as_bytes()).into_deserialize() {
        let Unit { slug, parent, kind } = unit.context("units")?;
        let region = match kind.as_str() {
            "range" => region(&slug),
            _ => ranges.get(&parent).copied().unwrap_or(Region::Hindi),
        };
        let mut place = Place { slug: slug.clone(), region, custodians: Vec::new(), groups: Vec::new() };
        ranges.insert(slug, region);
        let mut own_sizes = Vec::new();
        for rule in rules.iter().filter(|rule| rule.kind == kind) {
            ensure!(!rule.custodian_ranks.is_empty(), "order: a rule for {kind} without custodian ranks");
            if place.custodians.is_empty() {
                place.custodians = custodians(&rule.custodian_ranks);
            }
            let audience = audience(rule)?;
            let room = match audience {
                // The women of a rank are in both groups.
                Audience::Rank(_) | Audience::WomenPolice => 55,
                _ => 90,
            };
            let mut random = Random::new(seed, PURPOSE_SIZE, (places.len() * 64 + place.groups.len()) as u64);
            own_sizes.push(Size { weight: rule.min * variation(&mut random), limit: rule.max * room / 100 });
            place.groups.push(Group { audience, people: 0 });
        }
        if !place.groups.is_empty() {
            places.push(place);
            sizes.push(own_sizes);
        }
    }
    ensure!(!places.is_empty(), "no unit of which an order demands a group");

    // Few people: fill every so-manieth unit rather than put half a custodian into each.
    let filled = (count / ROWS_PER_UNIT).clamp(u64::from(count > 0), places.len() as u64) as usize;
    if filled < places.len() {
        let total = places.len();
        let kept = |index: usize| (index + 1) * filled / total > index * filled / total;
        let mut index = 0..;
        places.retain(|_| index.next().is_some_and(kept));
        let mut index = 0..;
        sizes.retain(|_| index.next().is_some_and(kept));
    }
    let mut left = count;
    for place in &mut places {
        place.custodians.truncate(left as usize);
        left -= place.custodians.len() as u64;
    }
    let groups = places.iter_mut().flat_map(|place| &mut place.groups);
    for (group, people) in groups.zip(shares(&sizes.concat(), left)) {
        group.people = people;
    }
    Ok(places)
}

/// One rule for each kind, audience and rank; a later order replaces what an earlier one said.
fn rules_in_force(orders: &[&str]) -> Result<Vec<Rule>> {
    let mut rules: Vec<Rule> = Vec::new();
    for order in orders {
        let order: Order = toml::from_str(order).context("order")?;
        for rule in order.rule.into_iter().flat_map(by_rank) {
            rules.retain(|earlier| {
                (&earlier.kind, &earlier.audience, &earlier.ranks) != (&rule.kind, &rule.audience, &rule.ranks)
            });
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// A rule for several ranks asks for a group of each.
fn by_rank(rule: Rule) -> Vec<Rule> {
    match rule.ranks.as_slice() {
        [] => vec![rule],
        ranks => ranks.iter().map(|rank| Rule { ranks: vec![rank.clone()], ..rule.clone() }).collect(),
    }
}

fn audience(rule: &Rule) -> Result<Audience> {
    Ok(match (rule.audience.as_str(), rule.ranks.as_slice()) {
        ("community", []) => Audience::Community,
        ("police_rank", [rank]) => Audience::Rank(rank.clone()),
        ("women_police", []) => Audience::WomenPolice,
        ("apex" | "officers", []) => Audience::Officers,
        ("regional", []) => Audience::Regional,
        (other, _) => bail!("order: unknown audience {other}, or ranks that it does not take"),
    })
}

fn custodians(ranks: &[String]) -> Vec<String> {
    (0..CUSTODIANS).filter_map(|index| ranks.get(index).or(ranks.last())).cloned().collect()
}

fn region(range: &str) -> Region {
    match range {
        "shahabad-range" | "saran-range" | "champaran-range" => Region::Bhojpuri,
        "patna-range" | "magadh-range" | "munger-range" => Region::Magahi,
        "tirhut-range" | "mithila-range" | "kosi-range" | "purnia-range" => Region::Maithili,
        _ => Region::Hindi,
    }
}

/// The size of a group in thousandths of its minimum: 55 % a little above it, 30 % short, some well above, and a few to be split. The
/// mean is about 1,000, so that as many people as the order demands make about these sizes.
fn variation(random: &mut Random) -> u64 {
    let (start, end) =
        random.weighted(&[((1_030, 1_120), 550), ((500, 950), 300), ((1_120, 1_400), 146), ((4_600, 4_900), 4)]);
    random.between(start, end)
}

#[derive(Clone, Copy, Debug)]
struct Size {
    weight: u64,
    /// People beyond which the group would be full.
    limit: u64,
}

/// `total` people, in proportion to the weights, no group beyond its limit as long as there is room elsewhere.
fn shares(sizes: &[Size], total: u64) -> Vec<u64> {
    let mut full = vec![false; sizes.len()];
    loop {
        let at_limit: u64 = sizes.iter().zip(&full).filter(|(_, full)| **full).map(|(size, _)| size.limit).sum();
        let weight: u64 = sizes.iter().zip(&full).filter(|(_, full)| !**full).map(|(size, _)| size.weight).sum();
        if weight == 0 || at_limit > total {
            break; // no room for all: the limits are given up
        }
        let open = total - at_limit;
        let over =
            |size: &Size| u128::from(size.weight) * u128::from(open) > u128::from(size.limit) * u128::from(weight);
        let mut settled = true;
        for (size, full) in sizes.iter().zip(&mut full) {
            if !*full && over(size) {
                *full = true;
                settled = false;
            }
        }
        if settled {
            return divided(sizes, &full, open, weight);
        }
    }
    let weight = sizes.iter().map(|size| size.weight).sum();
    divided(sizes, &vec![false; sizes.len()], total, weight)
}

/// The difference of running sums, rounded down: whole numbers that add up.
fn divided(sizes: &[Size], full: &[bool], open: u64, weight: u64) -> Vec<u64> {
    let (mut weights, mut given) = (0_u64, 0_u64);
    let share = |(size, full): (&Size, &bool)| {
        if *full {
            return size.limit;
        }
        weights += size.weight;
        let until = (u128::from(weights) * u128::from(open) / u128::from(weight.max(1))) as u64;
        let people = until - given;
        given = until;
        people
    };
    sizes.iter().zip(full).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_keep_the_limits_while_there_is_room() {
        let sizes =
            [Size { weight: 100, limit: 50 }, Size { weight: 100, limit: 1_000 }, Size { weight: 201, limit: 1_000 }];
        assert_eq!(shares(&sizes, 40).iter().sum::<u64>(), 40);
        let shares_with_room = shares(&sizes, 1_001);
        assert_eq!((shares_with_room[0], shares_with_room.iter().sum()), (50, 1_001));
        assert_eq!(shares(&sizes, 9_999).iter().sum::<u64>(), 9_999);
    }

    #[test]
    fn a_later_order_replaces_what_it_covers_and_nothing_else() {
        let rule =
            |kind, min| format!("[[rule]]\nkind = \"{kind}\"\naudience = \"community\"\nmin = {min}\nmax = 256\n");
        let (earlier, later) = ([rule("station", 100), rule("district", 150)].concat(), rule("station", 200));
        let rules = rules_in_force(&[&earlier, &later]).unwrap();
        let minimums: Vec<_> = rules.iter().map(|rule| (rule.kind.as_str(), rule.min)).collect();
        assert_eq!(minimums, [("district", 150), ("station", 200)]);
    }
}

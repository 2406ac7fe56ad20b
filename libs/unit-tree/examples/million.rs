//! How long a million units take to load, how much memory they need, and how fast a subtree test is.
//!
//! `cargo run --release -p senani-unit-tree --example million [UNITS]`

use std::hint::black_box;
use std::time::Instant;

use senani_unit_tree::{UnitEntry, UnitTree};
use uuid::Uuid;

/// Subtree tests timed.
const TESTS: usize = 10_000_000;
/// Children of each unit: a tree as flat as the real one, seven levels for a million.
const CHILDREN: u64 = 10;

fn main() {
    let units = std::env::args().nth(1).and_then(|units| units.parse().ok()).unwrap_or(1_000_000);
    let before = peak_memory();
    let start = Instant::now();
    let tree = UnitTree::build((0..units).map(unit)).expect("the units are a tree");
    println!(
        "{units} units loaded in {:.2?}, {} MB at the peak",
        start.elapsed(),
        peak_memory().saturating_sub(before) / 1024
    );

    let pairs: Vec<_> = (0..TESTS as u64).map(|test| (mix(test) % units, mix(!test) % units)).collect();
    let places: Vec<_> = (0..units).map(|number| tree.by_id(id(number)).expect("it was loaded").place()).collect();
    let start = Instant::now();
    let inside =
        pairs.iter().filter(|(above, below)| tree.contains(places[*above as usize], places[*below as usize])).count();
    println!("subtree test by place: {:.1} ns ({} of {TESTS} inside)", nanoseconds(start), black_box(inside));
    let pairs: Vec<_> = pairs.into_iter().map(|(above, below)| (id(above), id(below))).collect();
    let start = Instant::now();
    let inside = pairs.iter().filter(|(above, below)| tree.is_within(*above, *below)).count();
    println!("subtree test by ids: {:.1} ns ({} of {TESTS} inside)", nanoseconds(start), black_box(inside));
}

/// A unit with texts as long as those of a real station.
fn unit(number: u64) -> UnitEntry {
    UnitEntry {
        id: id(number),
        parent: (number > 0).then(|| id((number - 1) / CHILDREN)),
        kind: 10,
        slug: format!("muzaffarpur-station-{number}"),
        names: [("en".to_owned(), format!("Muzaffarpur {number}")), ("hi".to_owned(), format!("मुजफ्फरपुर {number}"))]
            .into(),
        open_date: Some("2018-08-10".to_owned()),
        close_date: None,
    }
}

fn id(number: u64) -> Uuid {
    Uuid::from_u64_pair(mix(number), mix(number + (1 << 40)))
}

/// SplitMix64.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn nanoseconds(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64 / TESTS as f64
}

/// Peak resident memory of this process in KiB, as Linux tells it; 0 elsewhere.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

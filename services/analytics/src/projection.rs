//! What is in memory: followers change it, a worker counts, requests read what was counted last and never wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use senani_order::Date;
use senani_store::Timestamp;
use senani_unit_replica::{UnitReplica, UnitSets};
use senani_unit_tree::UnitTree;
use time::{OffsetDateTime, UtcOffset};
use tokio::sync::Notify;

use crate::domain::{CoverageTable, Register};

/// Whose events make the coverage.
const COVERAGE_SOURCES: [&str; 2] = ["hierarchy", "membership"];

/// Coverage as counted, immutable.
#[derive(Debug)]
pub(crate) struct View {
    /// The tree that was counted.
    pub(crate) tree: Arc<UnitTree>,
    /// The sets that orders were counted by.
    sets: Arc<UnitSets>,
    pub(crate) table: Arc<CoverageTable>,
    /// The table holds everything that happened until here; zero when that is not known.
    pub(crate) as_of: Timestamp,
    /// What else it was counted of.
    day: Date,
    version: u64,
}

/// The projections in memory; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    units: UnitReplica,
    zone: UtcOffset,
    register: Mutex<Versioned>,
    /// By source: until when everything is applied, by the clock of the source.
    freshness: Mutex<BTreeMap<String, Timestamp>>,
    view: ArcSwap<View>,
    changed: Notify,
}

#[derive(Debug)]
struct Versioned {
    register: Register,
    /// Grows with every change.
    version: u64,
}

impl Projection {
    /// Begins with what the database holds, counted.
    pub(crate) fn new(
        units: UnitReplica,
        register: Register,
        freshness: impl IntoIterator<Item = (String, Timestamp)>,
        zone: UtcOffset,
    ) -> Self {
        let (tree, sets, day) = (units.tree(), units.sets(), today(zone));
        let freshness: BTreeMap<_, _> = freshness.into_iter().collect();
        let view = View {
            table: Arc::new(CoverageTable::count(&tree, |unit| sets.sets_of(unit), &register, day)),
            tree,
            sets,
            as_of: earliest(&freshness, &COVERAGE_SOURCES),
            day,
            version: 0,
        };
        Self {
            shared: Arc::new(Shared {
                units,
                zone,
                register: Mutex::new(Versioned { register, version: 0 }),
                freshness: Mutex::new(freshness),
                view: ArcSwap::from_pointee(view),
                changed: Notify::new(),
            }),
        }
    }

    /// Coverage as counted last.
    pub(crate) fn view(&self) -> Arc<View> {
        self.shared.view.load_full()
    }

    /// The structure as heard last.
    pub(crate) fn tree(&self) -> Arc<UnitTree> {
        self.shared.units.tree()
    }

    /// Changes the register, after the same change was committed to the database.
    pub(crate) fn change_register(&self, change: impl FnOnce(&mut Register)) {
        let mut versioned = lock(&self.shared.register);
        change(&mut versioned.register);
        versioned.version += 1;
        drop(versioned);
        self.shared.changed.notify_one();
    }

    /// Notes that everything that happened at a source until `time` is applied.
    pub(crate) fn note_fresh(&self, source: &str, time: Timestamp) {
        let mut freshness = lock(&self.shared.freshness);
        match freshness.get_mut(source) {
            Some(known) => *known = time.max(*known),
            None => _ = freshness.insert(source.to_owned(), time),
        }
        drop(freshness);
        self.shared.changed.notify_one();
    }

    /// Until when everything of this source is applied; zero when that is not known.
    pub(crate) fn fresh_until(&self, source: &str) -> Timestamp {
        earliest(&lock(&self.shared.freshness), &[source])
    }

    /// Until when everything is applied, by source.
    pub(crate) fn freshness(&self) -> BTreeMap<String, Timestamp> {
        lock(&self.shared.freshness).clone()
    }

    /// Waits for a change of the register or of a freshness; one that came since the last call counts.
    pub(crate) async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// Publishes a new view when something has changed, the tree and the day included. Linear in units and groups, so it is a worker's,
    /// not a request's.
    pub(crate) fn publish(&self) {
        // Before the state that it speaks of: the state may be newer, never older.
        let as_of = earliest(&lock(&self.shared.freshness), &COVERAGE_SOURCES);
        let (tree, sets, day) = (self.shared.units.tree(), self.shared.units.sets(), today(self.shared.zone));
        let last = self.view();
        let versioned = lock(&self.shared.register);
        let version = versioned.version;
        let same_structure = Arc::ptr_eq(&tree, &last.tree) && Arc::ptr_eq(&sets, &last.sets);
        let same = same_structure && version == last.version && day == last.day;
        if same && as_of == last.as_of {
            return;
        }
        let table = if same {
            Arc::clone(&last.table)
        } else {
            Arc::new(CoverageTable::count(&tree, |unit| sets.sets_of(unit), &versioned.register, day))
        };
        drop(versioned);
        self.shared.view.store(Arc::new(View { tree, sets, table, as_of, day, version }));
    }
}

/// A panic elsewhere leaves no half change: every change is one assignment or insertion.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn earliest(freshness: &BTreeMap<String, Timestamp>, sources: &[&str]) -> Timestamp {
    sources.iter().map(|source| freshness.get(*source).copied().unwrap_or_default()).min().unwrap_or_default()
}

fn today(zone: UtcOffset) -> Date {
    let date = OffsetDateTime::now_utc().to_offset(zone).date();
    u16::try_from(date.year())
        .ok()
        .and_then(|year| Date::new(year, date.month().into(), date.day()))
        .expect("the clock stands between the years 1 and 9999")
}

//! The snapshot: columns in pre-order.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use uuid::Uuid;

use crate::builder::Rows;
use crate::index::Index;
use crate::record::Record;
use crate::unit::Subtree;
use crate::{TreeError, Unit, UnitEntry};

/// In the column of parents: the root.
pub(crate) const NO_PARENT: u32 = u32::MAX;

/// Where a unit stands in one snapshot: its number in pre-order, from 0. Meaningless in any other snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub(crate) u32);

impl Place {
    /// The number, for a table with one entry a unit: less than [`UnitTree::len`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An immutable snapshot of the structure: one tree, or nothing yet.
///
/// Units lie in pre-order, siblings in the order of their ids, so that equal sets of units give equal trees in whatever
/// order they came.
#[derive(Clone)]
pub struct UnitTree {
    pub(crate) ids: Box<[Uuid]>,
    pub(crate) parents: Box<[u32]>,
    /// For each unit the first place after its subtree.
    pub(crate) ends: Box<[u32]>,
    pub(crate) kinds: Box<[i32]>,
    /// Where the unit's texts begin in the arena.
    pub(crate) records: Box<[u32]>,
    pub(crate) arena: Box<[u8]>,
    pub(crate) by_id: Index,
    pub(crate) by_slug: Index,
    pub(crate) slug_hasher: RandomState,
}

impl UnitTree {
    /// The tree of these units, given in any order.
    ///
    /// # Errors
    /// [`TreeError`] when they are no tree with one root.
    pub fn build(entries: impl IntoIterator<Item = UnitEntry>) -> Result<Self, TreeError> {
        let mut rows = Rows::default();
        for entry in entries {
            rows.push(&entry)?;
        }
        rows.into_tree()
    }

    /// How many units there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The one unit without a parent; `None` in an empty tree.
    #[must_use]
    pub fn root(&self) -> Option<Unit<'_>> {
        self.unit(Place(0))
    }

    /// The unit with this id.
    #[must_use]
    pub fn by_id(&self, id: Uuid) -> Option<Unit<'_>> {
        self.place_of(id).map(|place| Unit::new(self, place))
    }

    /// The unit with this slug.
    #[must_use]
    pub fn by_slug(&self, slug: &str) -> Option<Unit<'_>> {
        let found =
            self.by_slug.find(self.slug_hasher.hash_one(slug), |place| self.record(Place(place)).slug() == slug)?;
        Some(Unit::new(self, Place(found)))
    }

    /// The unit at a place of this snapshot.
    #[must_use]
    pub fn unit(&self, place: Place) -> Option<Unit<'_>> {
        (place.index() < self.len()).then(|| Unit::new(self, place))
    }

    /// All units, parents before their children.
    #[must_use]
    pub fn units(&self) -> Subtree<'_> {
        Subtree::new(self, 0..self.ids.len() as u32)
    }

    /// Whether a unit is the ancestor itself or stands under it. Both places must be of this snapshot; of another
    /// snapshot the answer means nothing, and `false` for a place that this one does not have.
    #[inline]
    #[must_use]
    pub fn contains(&self, ancestor: Place, unit: Place) -> bool {
        ancestor <= unit && self.ends.get(ancestor.index()).is_some_and(|end| unit.0 < *end)
    }

    /// The same by ids; `false` when either is unknown.
    #[inline]
    #[must_use]
    pub fn is_within(&self, ancestor: Uuid, unit: Uuid) -> bool {
        match (self.place_of(ancestor), self.place_of(unit)) {
            (Some(ancestor), Some(unit)) => self.contains(ancestor, unit),
            _ => false,
        }
    }

    #[inline]
    fn place_of(&self, id: Uuid) -> Option<Place> {
        self.by_id.find(hash_of(id), |place| self.ids[place as usize] == id).map(Place)
    }

    pub(crate) fn record(&self, place: Place) -> Record<'_> {
        Record::at(&self.arena[self.records[place.index()] as usize..])
    }

    pub(crate) fn span(&self, place: Place) -> Range<u32> {
        place.0..self.ends[place.index()]
    }
}

impl Default for UnitTree {
    fn default() -> Self {
        Rows::default().into_tree().expect("no units are a tree without a root")
    }
}

impl PartialEq for UnitTree {
    fn eq(&self, other: &Self) -> bool {
        self.ids == other.ids
            && self.parents == other.parents
            && self.kinds == other.kinds
            && (0..self.ids.len() as u32)
                .map(Place)
                .all(|place| self.record(place).bytes() == other.record(place).bytes())
    }
}

impl Eq for UnitTree {}

impl fmt::Debug for UnitTree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("UnitTree").field("units", &self.len()).finish_non_exhaustive()
    }
}

/// Mixes all bits of an id. Ids are hierarchy's own, so that nobody chooses them to collide.
#[inline]
pub(crate) fn hash_of(id: Uuid) -> u64 {
    // Two odd constants with well-mixed bits, from the fractions of the golden ratio and of the square root of three.
    const MIX: (u64, u64) = (0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B);
    let (high, low) = id.as_u64_pair();
    let product = u128::from(high ^ MIX.0) * u128::from(low ^ MIX.1);
    (product >> 64) as u64 ^ product as u64
}

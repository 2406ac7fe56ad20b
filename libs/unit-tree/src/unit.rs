//! One unit in a snapshot, and the ways from it.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;

use uuid::Uuid;

use crate::tree::NO_PARENT;
use crate::{Place, UnitEntry, UnitTree};

/// A unit of a snapshot. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Unit<'t> {
    tree: &'t UnitTree,
    place: Place,
}

impl<'t> Unit<'t> {
    pub(crate) fn new(tree: &'t UnitTree, place: Place) -> Self {
        Self { tree, place }
    }

    /// The key.
    #[must_use]
    pub fn id(self) -> Uuid {
        self.tree.ids[self.place.index()]
    }

    /// Where it stands in this snapshot.
    #[must_use]
    pub fn place(self) -> Place {
        self.place
    }

    /// What it is: a number of `senani.hierarchy.v1.UnitKind`.
    #[must_use]
    pub fn kind(self) -> i32 {
        self.tree.kinds[self.place.index()]
    }

    /// The readable name that never changes.
    #[must_use]
    pub fn slug(self) -> &'t str {
        self.tree.record(self.place).slug()
    }

    /// The name in a language (`hi`, `en`, …).
    #[must_use]
    pub fn name(self, language: &str) -> Option<&'t str> {
        self.names().find(|(of, _)| *of == language).map(|(_, name)| name)
    }

    /// Languages and names, in the order of the languages' codes.
    pub fn names(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        self.tree.record(self.place).names()
    }

    /// The first day on which it is open, `YYYY-MM-DD`; `None` when it always was.
    #[must_use]
    pub fn open_date(self) -> Option<&'t str> {
        self.tree.record(self.place).open_date()
    }

    /// The first day on which it is no longer open, `YYYY-MM-DD`; `None` while it is.
    #[must_use]
    pub fn close_date(self) -> Option<&'t str> {
        self.tree.record(self.place).close_date()
    }

    /// Whether it is open on a day, `YYYY-MM-DD`.
    #[must_use]
    pub fn is_open_on(self, date: &str) -> bool {
        // Dates of this form are ordered as texts.
        self.open_date().is_none_or(|opened| opened <= date) && self.close_date().is_none_or(|closed| date < closed)
    }

    /// The unit above; `None` for the root.
    #[must_use]
    pub fn parent(self) -> Option<Unit<'t>> {
        match self.tree.parents[self.place.index()] {
            NO_PARENT => None,
            parent => Some(Self::new(self.tree, Place(parent))),
        }
    }

    /// The units above, nearest first, the root last.
    #[must_use]
    pub fn ancestors(self) -> Ancestors<'t> {
        Ancestors { next: self.parent() }
    }

    /// The unit itself or the nearest above it that is of a kind.
    #[must_use]
    pub fn ancestor_of_kind(self, kind: impl Into<i32>) -> Option<Unit<'t>> {
        let kind = kind.into();
        std::iter::once(self).chain(self.ancestors()).find(|unit| unit.kind() == kind)
    }

    /// How many units are above: 0 for the root.
    #[must_use]
    pub fn depth(self) -> usize {
        self.ancestors().count()
    }

    /// The units directly under it, in the order of their ids.
    #[must_use]
    pub fn children(self) -> Children<'t> {
        let span = self.tree.span(self.place);
        Children { tree: self.tree, rest: span.start + 1..span.end }
    }

    /// The unit and all units under it, parents before their children.
    #[must_use]
    pub fn subtree(self) -> Subtree<'t> {
        Subtree::new(self.tree, self.tree.span(self.place))
    }

    /// The places of [`Unit::subtree`] as a range of [`Place::index`]: a sum over the subtree is
    /// `prefix[span.end] - prefix[span.start]`.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        let span = self.tree.span(self.place);
        span.start as usize..span.end as usize
    }

    /// Whether another unit of the same snapshot is this one or stands under it.
    #[must_use]
    pub fn contains(self, unit: Unit<'_>) -> bool {
        self.tree.contains(self.place, unit.place)
    }

    /// The unit as it came in.
    #[must_use]
    pub fn to_entry(self) -> UnitEntry {
        UnitEntry {
            id: self.id(),
            parent: self.parent().map(Unit::id),
            kind: self.kind(),
            slug: self.slug().to_owned(),
            names: self.names().map(|(language, name)| (language.to_owned(), name.to_owned())).collect(),
            open_date: self.open_date().map(str::to_owned),
            close_date: self.close_date().map(str::to_owned),
        }
    }
}

impl fmt::Debug for Unit<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Unit").field("slug", &self.slug()).field("kind", &self.kind()).finish_non_exhaustive()
    }
}

/// Two units are equal when they have the same id.
impl PartialEq for Unit<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Unit<'_> {}

/// The way up, see [`Unit::ancestors`].
#[derive(Debug, Clone)]
pub struct Ancestors<'t> {
    next: Option<Unit<'t>>,
}

impl<'t> Iterator for Ancestors<'t> {
    type Item = Unit<'t>;

    fn next(&mut self) -> Option<Unit<'t>> {
        let unit = self.next?;
        self.next = unit.parent();
        Some(unit)
    }
}

impl FusedIterator for Ancestors<'_> {}

/// The units directly under one, see [`Unit::children`].
#[derive(Debug, Clone)]
pub struct Children<'t> {
    tree: &'t UnitTree,
    rest: Range<u32>,
}

impl<'t> Iterator for Children<'t> {
    type Item = Unit<'t>;

    fn next(&mut self) -> Option<Unit<'t>> {
        if self.rest.is_empty() {
            return None;
        }
        let place = Place(self.rest.start);
        // The next sibling stands where this one's subtree ends.
        self.rest.start = self.tree.span(place).end;
        Some(Unit::new(self.tree, place))
    }
}

impl FusedIterator for Children<'_> {}

/// A unit and all under it, see [`Unit::subtree`]; also all units, see [`UnitTree::units`].
#[derive(Debug, Clone)]
pub struct Subtree<'t> {
    tree: &'t UnitTree,
    rest: Range<u32>,
}

impl<'t> Subtree<'t> {
    pub(crate) fn new(tree: &'t UnitTree, rest: Range<u32>) -> Self {
        Self { tree, rest }
    }
}

impl<'t> Iterator for Subtree<'t> {
    type Item = Unit<'t>;

    fn next(&mut self) -> Option<Unit<'t>> {
        self.rest.next().map(|place| Unit::new(self.tree, Place(place)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.len(), Some(self.rest.len()))
    }
}

impl DoubleEndedIterator for Subtree<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.rest.next_back().map(|place| Unit::new(self.tree, Place(place)))
    }
}

impl ExactSizeIterator for Subtree<'_> {}
impl FusedIterator for Subtree<'_> {}

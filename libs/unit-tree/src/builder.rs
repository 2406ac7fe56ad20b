//! From rows in any order to columns in pre-order, in linear time but for one sort by id.

use std::hash::{BuildHasher, RandomState};

use uuid::Uuid;

use crate::index::Index;
use crate::record::{self, Record};
use crate::tree::{NO_PARENT, hash_of};
use crate::{TreeError, UnitEntry, UnitTree};

/// In the lists of children: no further one. Equal to [`NO_PARENT`], so that no row may have this number.
const NONE: u32 = NO_PARENT;

/// Units in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    ids: Vec<Uuid>,
    parents: Vec<Option<Uuid>>,
    kinds: Vec<i32>,
    records: Vec<u32>,
    arena: Vec<u8>,
}

impl Rows {
    pub(crate) fn push(&mut self, entry: &UnitEntry) -> Result<(), TreeError> {
        self.begin(entry.id, entry.parent, entry.kind)?;
        record::write(&mut self.arena, entry);
        Ok(())
    }

    /// A row whose texts are a record already.
    pub(crate) fn push_record(
        &mut self,
        id: Uuid,
        parent: Option<Uuid>,
        kind: i32,
        record: &[u8],
    ) -> Result<(), TreeError> {
        self.begin(id, parent, kind)?;
        self.arena.extend_from_slice(record);
        Ok(())
    }

    fn begin(&mut self, id: Uuid, parent: Option<Uuid>, kind: i32) -> Result<(), TreeError> {
        // A record takes at least one byte, so that the number of rows is below 2³² too.
        let start = u32::try_from(self.arena.len()).map_err(|_| TreeError::TooLarge)?;
        self.ids.push(id);
        self.parents.push(parent);
        self.kinds.push(kind);
        self.records.push(start);
        Ok(())
    }

    pub(crate) fn into_tree(mut self) -> Result<UnitTree, TreeError> {
        let ordered = self.rows_by_id()?;
        let mut by_id = Index::with_room_for(ordered.len());
        for row in &ordered {
            by_id.insert(hash_of(self.ids[*row as usize]), *row, |_| false);
        }
        let parents = self.parent_rows(&ordered, &by_id)?;
        // Sixteen bytes a unit that are not needed beside what follows.
        self.parents = Vec::new();
        let slug_hasher = RandomState::new();
        let mut by_slug = self.index_slugs(&ordered, &slug_hasher)?;

        let (places, ends) = self.pre_order(&ordered, &parents)?;
        by_id.renumber(&places);
        by_slug.renumber(&places);
        let place_of_parent = |row: u32| match parents[row as usize] {
            NONE => NO_PARENT,
            parent => places[parent as usize],
        };
        // From here on in the order of the places.
        let mut rows = ordered;
        for (row, place) in (0..).zip(&places) {
            rows[*place as usize] = row;
        }
        Ok(UnitTree {
            parents: rows.iter().map(|row| place_of_parent(*row)).collect(),
            ids: rows.iter().map(|row| self.ids[*row as usize]).collect(),
            kinds: rows.iter().map(|row| self.kinds[*row as usize]).collect(),
            records: rows.iter().map(|row| self.records[*row as usize]).collect(),
            arena: self.arena.into_boxed_slice(),
            ends,
            by_id,
            by_slug,
            slug_hasher,
        })
    }

    /// The rows in the order of their ids, which makes the tree and its first fault independent of the order of entry.
    fn rows_by_id(&self) -> Result<Vec<u32>, TreeError> {
        let mut rows: Vec<u32> = (0..self.ids.len() as u32).collect();
        rows.sort_unstable_by_key(|row| self.ids[*row as usize]);
        match rows.windows(2).find(|pair| self.ids[pair[0] as usize] == self.ids[pair[1] as usize]) {
            Some(pair) => Err(TreeError::Repeated { id: self.ids[pair[0] as usize] }),
            None => Ok(rows),
        }
    }

    /// For each row the row of its parent, `NONE` for the one root.
    fn parent_rows(&self, ordered: &[u32], by_id: &Index) -> Result<Vec<u32>, TreeError> {
        let mut parents = vec![NONE; ordered.len()];
        let mut root = None;
        for row in ordered.iter().copied() {
            let Some(parent) = self.parents[row as usize] else {
                if let Some(first) = root.replace(row) {
                    return Err(TreeError::SecondRoot {
                        first: self.slug(first).to_owned(),
                        second: self.slug(row).to_owned(),
                    });
                }
                continue;
            };
            parents[row as usize] =
                by_id.find(hash_of(parent), |other| self.ids[other as usize] == parent).ok_or_else(|| {
                    TreeError::Orphan { id: self.ids[row as usize], slug: self.slug(row).to_owned(), parent }
                })?;
        }
        Ok(parents)
    }

    fn index_slugs(&self, ordered: &[u32], hasher: &RandomState) -> Result<Index, TreeError> {
        let mut index = Index::with_room_for(ordered.len());
        for row in ordered.iter().copied() {
            let slug = self.slug(row);
            if let Some(first) = index.insert(hasher.hash_one(slug), row, |other| self.slug(other) == slug) {
                let (first, second) = (self.ids[first as usize], self.ids[row as usize]);
                return Err(TreeError::SlugTaken { slug: slug.to_owned(), first, second });
            }
        }
        Ok(index)
    }

    /// For each row its place, and for each place the end of its subtree.
    fn pre_order(&self, ordered: &[u32], parents: &[u32]) -> Result<(Vec<u32>, Box<[u32]>), TreeError> {
        let mut first_child = vec![NONE; ordered.len()];
        let mut next_sibling = vec![NONE; ordered.len()];
        let mut root = NONE;
        // Backwards, because each is put before those that are there.
        for row in ordered.iter().rev().copied() {
            match parents[row as usize] {
                NONE => root = row,
                parent => next_sibling[row as usize] = std::mem::replace(&mut first_child[parent as usize], row),
            }
        }

        let mut places = vec![NONE; ordered.len()];
        let mut ends = vec![0; ordered.len()].into_boxed_slice();
        let mut placed = 0;
        let mut row = root;
        while row != NONE {
            places[row as usize] = placed;
            placed += 1;
            let mut next = first_child[row as usize];
            while next == NONE && row != NONE {
                ends[places[row as usize] as usize] = placed;
                next = next_sibling[row as usize];
                row = parents[row as usize];
            }
            row = next;
        }
        // Whoever is not reached from the root stands in a ring, or under one.
        match ordered.iter().copied().find(|row| places[*row as usize] == NONE) {
            Some(unreached) => Err(self.ring_above(unreached, parents)),
            None => Ok((places, ends)),
        }
    }

    fn ring_above(&self, row: u32, parents: &[u32]) -> TreeError {
        let above = |row: u32| parents[row as usize];
        // After as many steps as there are rows, the way up can only be in the ring.
        let start = (0..parents.len()).fold(row, |row, _| above(row));
        let mut ring = vec![start];
        let mut next = above(start);
        while next != start {
            ring.push(next);
            next = above(next);
        }
        let smallest = (0..ring.len()).min_by_key(|position| self.ids[ring[*position] as usize]).unwrap_or_default();
        ring.rotate_left(smallest);
        ring.push(ring[0]);
        TreeError::Cycle { slugs: ring.into_iter().map(|row| self.slug(row).to_owned()).collect() }
    }

    fn slug(&self, row: u32) -> &str {
        Record::at(&self.arena[self.records[row as usize] as usize..]).slug()
    }
}

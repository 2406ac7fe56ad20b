//! A hash table of row numbers: four bytes a slot, the keys stay where they are.

/// A slot that holds no row; therefore no row has this number.
const FREE: u32 = u32::MAX;

/// Row numbers by the hash of a key that the caller can look up by row. Open addressing with linear probing, at most
/// half full.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    slots: Box<[u32]>,
}

impl Index {
    /// An empty index with room for this many rows.
    pub(crate) fn with_room_for(rows: usize) -> Self {
        Self { slots: vec![FREE; (rows * 2).next_power_of_two()].into_boxed_slice() }
    }

    /// The row whose key has this hash and is the one sought.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_sought: impl Fn(u32) -> bool) -> Option<u32> {
        self.probe(hash, is_sought).ok()
    }

    /// Enters a row, unless one with an equal key is there: then that row is returned.
    pub(crate) fn insert(&mut self, hash: u64, row: u32, has_equal_key: impl Fn(u32) -> bool) -> Option<u32> {
        match self.probe(hash, has_equal_key) {
            Ok(present) => Some(present),
            Err(slot) => {
                self.slots[slot] = row;
                None
            }
        }
    }

    /// Gives every row its new number.
    pub(crate) fn renumber(&mut self, new_numbers: &[u32]) {
        for slot in self.slots.iter_mut().filter(|slot| **slot != FREE) {
            *slot = new_numbers[*slot as usize];
        }
    }

    /// The row sought, or the free slot where it would go.
    #[inline]
    fn probe(&self, hash: u64, is_sought: impl Fn(u32) -> bool) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                FREE => return Err(slot),
                row if is_sought(row) => return Ok(row),
                _ => slot = (slot + 1) & mask,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colliding_rows_are_all_found() {
        let keys: Vec<u64> = (0..100).map(|row| row * 7).collect();
        let mut index = Index::with_room_for(keys.len());
        for (row, key) in (0u32..).zip(&keys) {
            assert_eq!(index.insert(key % 3, row, |other| keys[other as usize] == *key), None);
        }
        for (row, key) in (0u32..).zip(&keys) {
            assert_eq!(index.find(key % 3, |other| keys[other as usize] == *key), Some(row));
            assert_eq!(index.insert(key % 3, 1000, |other| keys[other as usize] == *key), Some(row));
        }
        assert_eq!(index.find(1, |_| false), None);
    }

    #[test]
    fn an_empty_index_finds_nothing() {
        assert_eq!(Index::with_room_for(0).find(5, |_| true), None);
    }
}

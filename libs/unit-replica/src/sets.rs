//! Which units are in which sets, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

/// The sets of units as hierarchy last told them: which units are in them now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitSets {
    /// How many units are in a set, by its slug: also of sets without any.
    sizes: BTreeMap<Arc<str>, usize>,
    by_unit: HashMap<Uuid, BTreeSet<Arc<str>>>,
}

impl UnitSets {
    /// Whether there is such a set.
    pub fn knows(&self, set: &str) -> bool {
        self.sizes.contains_key(set)
    }

    /// Whether a unit is in a set.
    pub fn contains(&self, set: &str, unit: Uuid) -> bool {
        self.by_unit.get(&unit).is_some_and(|sets| sets.contains(set))
    }

    /// Slugs of the sets that a unit is in, ascending.
    pub fn sets_of(&self, unit: Uuid) -> impl Iterator<Item = &str> {
        self.by_unit.get(&unit).into_iter().flatten().map(|set| &**set)
    }

    /// Slugs of all sets, ascending.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.sizes.keys().map(|set| &**set)
    }

    /// How many units are in a set.
    pub fn size(&self, set: &str) -> usize {
        self.sizes.get(set).copied().unwrap_or_default()
    }

    /// Takes a set, perhaps without any unit.
    pub(crate) fn know(&mut self, set: &str) -> Arc<str> {
        if let Some((known, _)) = self.sizes.get_key_value(set) {
            return Arc::clone(known);
        }
        let set: Arc<str> = set.into();
        self.sizes.insert(Arc::clone(&set), 0);
        set
    }

    /// Puts a unit into a set or takes it out; the same twice is harmless.
    pub(crate) fn put(&mut self, set: &str, unit: Uuid, within: bool) {
        let set = self.know(set);
        let sets = self.by_unit.entry(unit).or_default();
        let size = self.sizes.entry(Arc::clone(&set)).or_default();
        if within {
            *size += usize::from(sets.insert(set));
        } else {
            *size -= usize::from(sets.remove(&set));
        }
        if self.by_unit.get(&unit).is_some_and(BTreeSet::is_empty) {
            self.by_unit.remove(&unit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_known_without_units_and_a_unit_goes_in_and_out() {
        let mut sets = UnitSets::default();
        let unit = Uuid::from_u128(1);
        sets.know("railway");
        assert!(sets.knows("railway") && !sets.knows("border") && !sets.contains("railway", unit));
        for _ in 0..2 {
            sets.put("railway", unit, true);
            sets.put("border", unit, true);
        }
        assert_eq!(sets.sets_of(unit).collect::<Vec<_>>(), ["border", "railway"]);
        assert_eq!((sets.size("railway"), sets.size("border"), sets.size("river")), (1, 1, 0));
        for _ in 0..2 {
            sets.put("railway", unit, false);
        }
        assert!(!sets.contains("railway", unit) && sets.contains("border", unit) && sets.knows("railway"));
        assert_eq!(sets.size("railway"), 0);
    }
}

//! A generator of pseudo-random numbers whose sequence is ours: that of the `rand` crate may change between its versions.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). Not for secrets.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A sequence of its own for each seed, purpose and index, so that what concerns row 7 can be asked again at row 7,000 without
    /// having kept it.
    pub(super) fn new(seed: u64, purpose: u64, index: u64) -> Self {
        let mut start = Self(seed);
        for part in [purpose, index] {
            start = Self(start.next() ^ part);
        }
        start
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end - 1`; `end` is at least 1.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        // The high half of the product: without the modulo's division, and its bias is nothing beside 2^64.
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// From `start` to `end - 1`.
    pub(super) fn between(&mut self, start: u64, end: u64) -> u64 {
        start + self.below(end - start)
    }

    /// Whether a thing of this frequency happens.
    pub(super) fn in_thousand(&mut self, frequency: u64) -> bool {
        self.below(1000) < frequency
    }

    /// One of `choices`, which is not empty.
    pub(super) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// One of `choices`, each as often as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(T, u64)]) -> T {
        let mut point = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for (choice, weight) in choices {
            if point < *weight {
                return *choice;
            }
            point -= weight;
        }
        choices[choices.len() - 1].0
    }
}

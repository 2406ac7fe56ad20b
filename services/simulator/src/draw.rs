//! Draws that depend on the seed and a key only: the same message meets the same fate in every run.

/// A stream of numbers; splitmix64 over a keyed hash. Not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64, key: &[u8]) -> Self {
        Self(hash(seed, key))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number from 0 (included) to 1 (excluded).
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something with this share of all cases happens.
    pub(crate) fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// A number from `from` to `to`, both included.
    pub(crate) fn between(&mut self, from: u32, to: u32) -> u32 {
        let width = u64::from(to.saturating_sub(from)) + 1;
        from + ((u128::from(self.next()) * u128::from(width)) >> 64) as u32
    }
}

/// A 64-bit hash of the key, the same on every machine.
pub(crate) fn hash(seed: u64, key: &[u8]) -> u64 {
    let mut state = seed ^ 0x2545_F491_4F6C_DD1D ^ (key.len() as u64).wrapping_mul(0xA076_1D64_78BD_642F);
    for chunk in key.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state ^ u64::from_le_bytes(word));
    }
    mix(state)
}

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_and_key_only() {
        let draw = |seed, key: &str| Draws::new(seed, key.as_bytes()).share();
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(1, "a\0"));
    }

    #[test]
    fn between_reaches_both_ends_and_nothing_outside() {
        let mut draws = Draws::new(7, b"ends");
        let drawn: std::collections::BTreeSet<u32> = (0..200).map(|_| draws.between(3, 5)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5]);
        assert_eq!(draws.between(9, 9), 9);
    }
}

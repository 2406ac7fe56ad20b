//! Whether two reports tell the same: by what was said, where and when. A figure for a person who decides, never a decision.
//!
//! What was said is compared by its groups of three characters. A signature (MinHash) stands for them where the words are sealed: the
//! share of equal places in two signatures estimates the share of equal groups. It is made under a salt, so that a guess of what was said
//! cannot be checked against it without the key file.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::content::Position;
use crate::domain::Micros;

/// Places of a signature: its estimate is off by 6 of a hundred at most twice in three.
const PLACES: usize = 64;
/// Bytes of a signature.
pub(crate) const SIGNATURE_LENGTH: usize = PLACES * 4;
/// Places further apart than this are not the same, in metres.
const FAR: f64 = 10_000.0;
/// Times further apart than this are not the same.
const LONG: f64 = 7.0 * 86_400_000_000.0;

/// Small letters and digits of any script, and one space for everything else.
fn normalised(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        // The joining sign of Indian scripts is no letter and no space.
        if character.is_alphanumeric() || matches!(character, '\u{094d}' | '\u{093c}') {
            normal.push(character);
        } else if !normal.is_empty() && !normal.ends_with(' ') {
            normal.push(' ');
        }
    }
    normal.truncate(normal.trim_end().len());
    normal
}

/// The groups of three characters in what was said.
fn groups(text: &str) -> HashSet<[char; 3]> {
    let characters: Vec<char> = normalised(text).chars().collect();
    characters.windows(3).map(|group| [group[0], group[1], group[2]]).collect()
}

/// The signature of what was said; empty for less than three characters.
pub(crate) fn signature(text: &str, salt: &[u8]) -> Vec<u8> {
    let groups = groups(text);
    if groups.is_empty() {
        return Vec::new();
    }
    let mut least = [u64::MAX; PLACES];
    for group in groups {
        let mut hasher = Sha256::new();
        hasher.update(salt);
        group.iter().for_each(|character| hasher.update(u32::from(*character).to_be_bytes()));
        let digest = hasher.finalize();
        let base = u64::from_be_bytes(digest[..8].try_into().unwrap_or_default());
        for (place, least) in least.iter_mut().enumerate() {
            *least = (*least).min(mixed(base ^ (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        }
    }
    // The upper half is enough to tell them apart.
    least.iter().flat_map(|value| ((value >> 32) as u32).to_be_bytes()).collect()
}

/// The signature of two things that were said together: what is least in both is least of all.
pub(crate) fn together(one: &[u8], other: &[u8]) -> Vec<u8> {
    if one.len() != other.len() {
        return if one.len() > other.len() { one.to_vec() } else { other.to_vec() };
    }
    one.chunks_exact(4).zip(other.chunks_exact(4)).flat_map(|(one, other)| one.min(other)).copied().collect()
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of the value.
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// How much of what was said is the same, by two signatures; 0 when one is none.
pub(crate) fn estimate(one: &[u8], other: &[u8]) -> f64 {
    if one.len() != SIGNATURE_LENGTH || other.len() != SIGNATURE_LENGTH {
        return 0.0;
    }
    let same = one.chunks_exact(4).zip(other.chunks_exact(4)).filter(|(one, other)| one == other).count();
    same as f64 / PLACES as f64
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account<'a> {
    pub(crate) text: &'a str,
    pub(crate) position: Option<Position>,
    /// When it happened, else when it came in.
    pub(crate) at: Micros,
}

/// How alike two reports are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Likeness {
    /// 0 to 1.
    pub(crate) score: f64,
    /// 0 to 1.
    pub(crate) text: f64,
    /// Metres; `None` when one has no position.
    pub(crate) distance: Option<f64>,
    pub(crate) apart: Micros,
}

/// How alike two reports are. What neither tells does not count.
pub(crate) fn compare(one: &Account<'_>, other: &Account<'_>) -> Likeness {
    let (groups_of_one, groups_of_other) = (groups(one.text), groups(other.text));
    let both = groups_of_one.intersection(&groups_of_other).count() as f64;
    let any = (groups_of_one.len() + groups_of_other.len()) as f64 - both;
    let text = if any > 0.0 { both / any } else { 0.0 };
    let distance = one.position.zip(other.position).map(|(one, other)| one.distance(other));
    let apart = (one.at - other.at).abs();
    let mut parts = vec![(0.15, 1.0 - (apart as f64 / LONG).min(1.0))];
    if any > 0.0 {
        parts.push((0.6, text));
    }
    if let Some(distance) = distance {
        parts.push((0.25, 1.0 - (distance / FAR).min(1.0)));
    }
    // The time alone says nothing: it weighs only beside something else.
    let weight: f64 = if parts.len() > 1 { parts.iter().map(|(weight, _)| weight).sum() } else { 1.0 };
    let score = parts.iter().map(|(weight, value)| weight * value).sum::<f64>() / weight;
    Likeness { score, text, distance, apart }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SALT: &[u8] = b"salt";

    #[test]
    fn the_same_told_with_slips_is_alike_and_something_else_is_not() {
        let first = "Boy of 9 years, red shirt, lost near Gandhi Maidan gate no 10 since yesterday evening";
        let again = "boy of 9 yrs in red shirt is LOST near gandhi maidan, gate 10, since yesterday evening!";
        let other = "Caller said my bank card is blocked and asked for the code, 25,000 rupees are gone";
        let account = |text, at| Account { text, position: None, at };
        let alike = compare(&account(first, 0), &account(again, 3_600_000_000));
        let unlike = compare(&account(first, 0), &account(other, 3_600_000_000));
        assert!(alike.text > 0.5 && alike.score > 0.6, "{alike:?}");
        assert!(unlike.text < 0.1 && unlike.score < 0.3, "{unlike:?}");
        let hindi = "गांधी मैदान के पास लाल शर्ट में नौ साल का लड़का";
        let spaced = "गांधी मैदान  के पास, लाल शर्ट में नौ साल का लड़का।";
        assert!(compare(&account(hindi, 0), &account(spaced, 0)).text > 0.99);
    }

    #[test]
    fn near_places_speak_for_it_and_far_ones_against() {
        let at = |latitude| Account { text: "", position: Position::of(latitude, 85.1), at: 0 };
        assert!(compare(&at(25.6), &at(25.601)).score > 0.9);
        let far = compare(&at(25.6), &at(24.8));
        assert!(far.score < 0.4 && far.distance.is_some_and(|metres| metres > 80_000.0), "{far:?}");
    }

    proptest! {
        #[test]
        fn a_signature_estimates_what_is_the_same(one in "[a-d ]{20,200}", other in "[a-d ]{20,200}") {
            let account = |text| Account { text, position: None, at: 0 };
            let exact = compare(&account(&one), &account(&other)).text;
            let estimated = estimate(&signature(&one, SALT), &signature(&other, SALT));
            // Four standard deviations.
            prop_assert!((exact - estimated).abs() < 0.26, "{exact} {estimated}");
            let same = estimate(&signature(&one, SALT), &signature(&one, SALT));
            prop_assert!(same > 0.99 || one.trim().is_empty() || normalised(&one).chars().count() < 3);
            let spaced = format!("{one} # {other}");
            let parts = together(&signature(&one, SALT), &signature(&other, SALT));
            prop_assert!(estimate(&parts, &signature(&spaced, SALT)) > 0.8 || parts.is_empty());
            let otherwise = estimate(&signature(&one, SALT), &signature(&one, b"other salt"));
            prop_assert!(otherwise < 0.2, "{otherwise}");
        }
    }
}

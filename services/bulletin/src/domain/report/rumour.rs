//! Messages that go round: which reports pass on nearly the same.

use std::collections::HashMap;

use super::similarity::{SIGNATURE_LENGTH, estimate};

/// Signatures with at least this much in common say the same. Forwarded messages differ little.
const SAME: f64 = 0.5;
/// Bytes of a band: four places. Two that say the same share one of sixteen bands with more than 64 of 100.
const BAND: usize = 16;

/// Reports by what they pass on, each as the places of its reports in the order given; the largest first, and of equal ones the first.
/// What has no signature is with nobody.
pub(crate) fn clusters(signatures: &[Vec<u8>]) -> Vec<Vec<usize>> {
    let mut leader: Vec<usize> = (0..signatures.len()).collect();
    // Every report that was first with a band; a cluster has few of them.
    let mut bands: HashMap<(usize, &[u8]), Vec<usize>> = HashMap::new();
    for (at, signature) in signatures.iter().enumerate().filter(|(_, signature)| signature.len() == SIGNATURE_LENGTH) {
        for (band, content) in signature.chunks_exact(BAND).enumerate() {
            let before = bands.entry((band, content)).or_default();
            let mut known = false;
            for other in before.iter().copied() {
                if estimate(&signatures[other], signature) >= SAME {
                    join(&mut leader, other, at);
                    known = true;
                }
            }
            if !known {
                before.push(at);
            }
        }
    }
    let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
    for at in 0..signatures.len() {
        members.entry(first(&mut leader, at)).or_default().push(at);
    }
    let mut clusters: Vec<Vec<usize>> = members.into_values().collect();
    clusters.sort_by_key(|cluster| (std::cmp::Reverse(cluster.len()), cluster[0]));
    clusters
}

/// The leader of a cluster; the way to it is shortened.
fn first(leader: &mut [usize], at: usize) -> usize {
    let mut at = at;
    while leader[at] != at {
        leader[at] = leader[leader[at]];
        at = leader[at];
    }
    at
}

fn join(leader: &mut [usize], one: usize, other: usize) {
    let (one, other) = (first(leader, one), first(leader, other));
    leader[one.max(other)] = one.min(other);
}

#[cfg(test)]
mod tests {
    use super::super::similarity::signature;
    use super::*;

    #[test]
    fn what_passes_on_the_same_is_together_and_what_says_nothing_is_alone() {
        let bridge = "Share with all! The bridge at Gandhi Setu has fallen, police say do not travel tonight, forward to all groups";
        let again = "SHARE WITH ALL  the bridge at Gandhi Setu has fallen. Police say do not travel tonight, forward to all groups!!";
        let child =
            "Child lifters in a white van are seen near schools in Gaya, keep your children at home and tell everybody";
        let texts = [bridge, child, again, "", bridge, child, bridge];
        let signatures: Vec<_> = texts.iter().map(|text| signature(text, b"salt")).collect();
        assert_eq!(clusters(&signatures), [vec![0, 2, 4, 6], vec![1, 5], vec![3]]);
    }

    proptest::proptest! {
        #[test]
        fn everybody_is_in_one_cluster_and_equal_ones_are_together(texts in proptest::collection::vec("[ab]{3,6}", 0..30)) {
            let signatures: Vec<_> = texts.iter().map(|text| signature(text, b"salt")).collect();
            let clusters = clusters(&signatures);
            let mut all: Vec<_> = clusters.concat();
            all.sort_unstable();
            proptest::prop_assert_eq!(all, (0..texts.len()).collect::<Vec<_>>());
            for cluster in &clusters {
                for (at, text) in texts.iter().enumerate() {
                    let twin = texts[cluster[0]] == *text;
                    proptest::prop_assert!(!twin || cluster.contains(&at));
                }
            }
        }
    }
}

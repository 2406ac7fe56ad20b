//! The chain of a report's history: each entry's hash covers the one before, so that nothing can be changed, left out or put in between
//! without changing every hash after it. What an entry holds is covered by the digest of its sealed form, so that the chain can be checked
//! after the content was destroyed.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::Micros;

/// Sets these hashes apart from any others.
const DOMAIN: &[u8] = b"senani report entry, 1\0";

/// SHA-256.
pub(crate) type Hash = [u8; 32];

/// What a hash covers beside the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    pub(crate) report: Uuid,
    /// From 1, without gaps.
    pub(crate) sequence: i64,
    /// A number of `senani.bulletin.v1.ReportEntry.Kind`.
    pub(crate) kind: i32,
    pub(crate) actor: &'a str,
    pub(crate) at: Micros,
    /// SHA-256 of the sealed body, of nothing when there is none.
    pub(crate) body_digest: Hash,
}

/// The hash of an entry that follows `previous`, which is empty for the first.
pub(crate) fn hash(previous: &[u8], link: &Link<'_>) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update((previous.len() as u64).to_be_bytes());
    hasher.update(previous);
    hasher.update(link.report.as_bytes());
    hasher.update(link.sequence.to_be_bytes());
    hasher.update(link.kind.to_be_bytes());
    hasher.update((link.actor.len() as u64).to_be_bytes());
    hasher.update(link.actor.as_bytes());
    hasher.update(link.at.to_be_bytes());
    hasher.update(link.body_digest);
    hasher.finalize().into()
}

/// Walks along a chain.
#[derive(Debug)]
pub(crate) struct Walk {
    report: Uuid,
    length: i64,
    head: Vec<u8>,
}

impl Walk {
    pub(crate) fn new(report: Uuid) -> Self {
        Self { report, length: 0, head: Vec::new() }
    }

    /// Whether the next entry is the one that follows, with this hash.
    pub(crate) fn follows(&mut self, link: &Link<'_>, stored: &[u8]) -> bool {
        let expected = hash(&self.head, link);
        self.length += 1;
        self.head = expected.to_vec();
        link.report == self.report && link.sequence == self.length && stored == expected
    }

    /// Whether it ends where the report says.
    pub(crate) fn ends(&self, length: i64, head: &[u8]) -> bool {
        self.length == length && self.head == head
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chain(actors: &[String]) -> Vec<(i64, String, Hash, Hash)> {
        let mut head = Vec::new();
        let mut entries = Vec::new();
        for (at, actor) in actors.iter().enumerate() {
            let sequence = at as i64 + 1;
            let body_digest: Hash = Sha256::digest(actor.as_bytes()).into();
            let link = Link { report: Uuid::max(), sequence, kind: 5, actor, at: sequence * 10, body_digest };
            let hash = hash(&head, &link);
            head = hash.to_vec();
            entries.push((sequence, actor.clone(), body_digest, hash));
        }
        entries
    }

    fn is_intact(entries: &[(i64, String, Hash, Hash)], length: i64, head: &[u8]) -> bool {
        let mut walk = Walk::new(Uuid::max());
        let links = entries.iter().all(|(sequence, actor, body_digest, hash)| {
            let link = Link {
                report: Uuid::max(),
                sequence: *sequence,
                kind: 5,
                actor,
                at: sequence * 10,
                body_digest: *body_digest,
            };
            walk.follows(&link, hash)
        });
        links && walk.ends(length, head)
    }

    proptest! {
        #[test]
        fn whatever_is_changed_moved_or_left_out_is_seen(
            actors in proptest::collection::vec("[a-z]{1,8}", 2..12), at: prop::sample::Index, change in 0..5_usize
        ) {
            let entries = chain(&actors);
            let (length, head) = (entries.len() as i64, entries.last().unwrap().3);
            prop_assert!(is_intact(&entries, length, &head));
            let mut forged = entries.clone();
            let at = at.index(forged.len());
            match change {
                0 => drop(forged.remove(at)),
                1 => forged[at].1.push('x'),
                2 => forged[at].2[0] ^= 1,
                3 => forged[at].3[31] ^= 1,
                _ => forged.rotate_left(1),
            }
            prop_assert!(!is_intact(&forged, length, &head));
        }
    }
}

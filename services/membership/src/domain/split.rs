//! How a group that has grown too big is split: halves (or more parts) that are big enough, with those who live together together, and an
//! officer for each.

use std::collections::{BTreeMap, BTreeSet};

use senani_order::Rank;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Custodians;

/// A member of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) id: Uuid,
    /// Equal for those who live together; empty for those of whom that is not known.
    pub(crate) household: Vec<u8>,
    /// The rank of an active officer; `None` for everybody else.
    pub(crate) officer: Option<Rank>,
}

/// What is asked of a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SplitTerms {
    /// Members of each part at least.
    pub(crate) min: usize,
    /// Members of each part at most.
    pub(crate) ceiling: usize,
    /// How many parts; at least 2.
    pub(crate) parts: usize,
    /// Ranks that administer such a group, preferred first; empty for any.
    pub(crate) custodian_ranks: Vec<Rank>,
}

/// One part of the split group; the first stays where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SplitPart {
    /// Ascending.
    pub(crate) members: Vec<Uuid>,
    /// Households of at least two.
    pub(crate) households: usize,
    /// All are members of the part. Without a primary there were not enough officers.
    pub(crate) custodians: Custodians,
}

/// Why a group cannot be split so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// There are fewer members than the minimums of all parts together.
    TooFewMembers { found: usize, needed: usize },
    /// There are more members than all parts together can hold.
    TooManyMembers { found: usize, room: usize },
    /// One household is so big that another part stays below its minimum, or that no part can hold it.
    HouseholdTooBig { found: usize, limit: usize },
    /// However the households are put together, some part stays below its minimum or above what it can hold. `found` is the size of the
    /// smallest part of the evenest split, `needed` the minimum.
    HouseholdsDoNotFit { found: usize, needed: usize },
}

impl Obstacle {
    /// How many there are, and what that is measured by.
    pub(crate) fn numbers(&self) -> (usize, usize) {
        match *self {
            Self::TooFewMembers { found, needed } | Self::HouseholdsDoNotFit { found, needed } => (found, needed),
            Self::TooManyMembers { found, room } => (found, room),
            Self::HouseholdTooBig { found, limit } => (found, limit),
        }
    }
}

/// People who stay together.
#[derive(Debug, Clone)]
struct Cluster {
    /// Ascending.
    members: Vec<Uuid>,
}

/// An officer who may become a custodian.
#[derive(Debug, Clone, Copy)]
struct Officer {
    id: Uuid,
    cluster: usize,
}

/// Splits a group whose custodians are `custodians`; the primary stays. The same people in any order give the same parts. Of two parts nobody finds a
/// more even pair; of more, each is as near as can be to what is left for it.
pub(crate) fn split(
    people: &[Candidate],
    custodians: &Custodians,
    terms: &SplitTerms,
) -> Result<Vec<SplitPart>, Obstacle> {
    let (found, needed, room) = (people.len(), terms.parts * terms.min, terms.parts.saturating_mul(terms.ceiling));
    if found < needed {
        return Err(Obstacle::TooFewMembers { found, needed });
    }
    if found > room {
        return Err(Obstacle::TooManyMembers { found, room });
    }
    let clusters = clusters(people);
    let biggest = clusters.first().map_or(0, |cluster| cluster.members.len());
    let limit = terms.ceiling.min(found - (terms.parts - 1) * terms.min);
    if biggest > limit {
        return Err(Obstacle::HouseholdTooBig { found: biggest, limit });
    }
    let officers = officers(people, &clusters, custodians, &terms.custodian_ranks);
    // A backup in each part matters less than a custodian, and that less than a split at all.
    let mut smallest = 0;
    for rounds in [2, 1, 0] {
        let pinned = pin(&officers, terms.parts, rounds);
        let mut parts = fill(&clusters, pinned, terms);
        keep(custodians.primary, &clusters, &mut parts);
        let sizes = || parts.iter().map(|part| size(&clusters, part));
        if sizes().all(|size| (terms.min..=terms.ceiling).contains(&size)) {
            return Ok(parts.iter().map(|part| finish(part, &clusters, &officers, custodians)).collect());
        }
        smallest = sizes().min().unwrap_or(0);
    }
    Err(Obstacle::HouseholdsDoNotFit { found: smallest, needed: terms.min })
}

/// Of exactly this split: other members or custodians give another one.
pub(crate) fn split_fingerprint(group: Uuid, parts: &[SplitPart]) -> String {
    use std::fmt::Write as _;
    let mut hasher = Sha256::new();
    hasher.update(group.as_bytes());
    for part in parts {
        hasher.update((part.members.len() as u64).to_be_bytes());
        part.members.iter().for_each(|member| hasher.update(member.as_bytes()));
        hasher.update((part.custodians.all().count() as u64).to_be_bytes());
        hasher.update([u8::from(part.custodians.primary.is_some())]);
        part.custodians.all().for_each(|officer| hasher.update(officer.as_bytes()));
    }
    hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Households, and everybody else alone; the biggest first, of one size by their first member.
fn clusters(people: &[Candidate]) -> Vec<Cluster> {
    let mut households = BTreeMap::<&[u8], Vec<Uuid>>::new();
    let mut clusters = Vec::new();
    for person in people {
        if person.household.is_empty() {
            clusters.push(Cluster { members: vec![person.id] });
        } else {
            households.entry(&person.household).or_default().push(person.id);
        }
    }
    clusters.extend(households.into_values().map(|mut members| {
        members.sort_unstable();
        Cluster { members }
    }));
    clusters.sort_unstable_by(|a, b| (b.members.len(), &a.members).cmp(&(a.members.len(), &b.members)));
    clusters
}

/// Who may administer, preferred first: the custodians as they are, then those of the ranks that the order prefers, the higher first.
fn officers(people: &[Candidate], clusters: &[Cluster], custodians: &Custodians, ranks: &[Rank]) -> Vec<Officer> {
    let cluster_of: BTreeMap<Uuid, usize> = clusters
        .iter()
        .enumerate()
        .flat_map(|(number, cluster)| cluster.members.iter().map(move |member| (*member, number)))
        .collect();
    let mut fit: Vec<(usize, usize, Rank, Uuid)> = people
        .iter()
        .filter_map(|person| {
            let rank = person.officer?;
            let position = custodians.all().position(|custodian| custodian == person.id);
            let preferred = ranks.iter().position(|preferred| *preferred == rank);
            if position.is_none() && preferred.is_none() && !ranks.is_empty() {
                return None;
            }
            Some((position.unwrap_or(usize::MAX), preferred.unwrap_or(usize::MAX), rank, person.id))
        })
        .collect();
    fit.sort_unstable();
    fit.into_iter().filter_map(|(.., id)| Some(Officer { id, cluster: *cluster_of.get(&id)? })).collect()
}

/// Gives each part one officer in each round, as long as there are officers of other households; clusters by part.
fn pin(officers: &[Officer], parts: usize, rounds: usize) -> Vec<Vec<usize>> {
    let mut pinned: Vec<Vec<usize>> = vec![Vec::new(); parts];
    let mut taken = BTreeSet::new();
    for round in 0..rounds {
        for part in &mut pinned {
            let mut free = officers.iter().filter(|officer| !taken.contains(&officer.cluster));
            if part.len() > round {
                continue;
            }
            if let Some(officer) = free.next() {
                taken.insert(officer.cluster);
                part.push(officer.cluster);
            }
        }
    }
    pinned
}

/// Makes the part with the primary custodian the one that stays: parts are measured alike, so that any of them may.
fn keep(primary: Option<Uuid>, clusters: &[Cluster], parts: &mut [Vec<usize>]) {
    let holds =
        |part: &Vec<usize>| part.iter().any(|number| clusters[*number].members.iter().any(|id| Some(*id) == primary));
    if let Some(place) = parts.iter().position(holds) {
        parts.swap(0, place);
    }
}

fn size(clusters: &[Cluster], part: &[usize]) -> usize {
    part.iter().map(|number| clusters[*number].members.len()).sum()
}

/// Puts the clusters that are not pinned into the parts, so that these are as even as can be.
fn fill(clusters: &[Cluster], pinned: Vec<Vec<usize>>, terms: &SplitTerms) -> Vec<Vec<usize>> {
    let taken: BTreeSet<usize> = pinned.iter().flatten().copied().collect();
    let mut free: Vec<usize> = (0..clusters.len()).filter(|number| !taken.contains(number)).collect();
    let count = pinned.len();
    let mut parts = pinned;
    for at in 0..count {
        if at + 1 == count {
            parts[at].append(&mut free);
            break;
        }
        let left: usize = parts[at..].iter().map(|part| size(clusters, part)).sum::<usize>() + size(clusters, &free);
        let base = size(clusters, &parts[at]);
        let sizes: Vec<usize> = free.iter().map(|number| clusters[*number].members.len()).collect();
        let chosen = nearest(&sizes, base, left, count - at, terms);
        let chosen: BTreeSet<usize> = chosen.into_iter().map(|index| free[index]).collect();
        free.retain(|number| !chosen.contains(number));
        parts[at].extend(chosen);
    }
    parts
}

/// Which of some sizes bring a part from `base` nearest to its share of `left`: subset sums, exactly. A sum that leaves this part or
/// the others out of bounds comes after all that do not; of two equally near the greater is taken, which moves fewer people.
fn nearest(sizes: &[usize], base: usize, left: usize, parts: usize, terms: &SplitTerms) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    // By sum: the size that first reached it, after which only later sizes are in no sum that leads here.
    let mut reached: Vec<Option<usize>> = vec![None; total + 1];
    let mut highest = 0;
    for (index, size) in sizes.iter().enumerate() {
        for sum in (0..=highest).rev() {
            if (sum == 0 || reached[sum].is_some()) && reached[sum + size].is_none() && sum + size > 0 {
                reached[sum + size] = Some(index);
            }
        }
        highest += size;
    }
    let others = parts - 1;
    let out_of_bounds = |sum: usize| {
        let (here, rest) = (base + sum, left.saturating_sub(base + sum));
        let here_fits = (terms.min..=terms.ceiling).contains(&here);
        let rest_fits = (terms.min * others..=terms.ceiling.saturating_mul(others)).contains(&rest);
        !(here_fits && rest_fits)
    };
    // Compared as multiples of the share: no rounding.
    let distance = |sum: usize| (parts * (base + sum)).abs_diff(left);
    let best = (0..=total)
        .filter(|sum| *sum == 0 || reached[*sum].is_some())
        .min_by_key(|sum| (out_of_bounds(*sum), distance(*sum), std::cmp::Reverse(*sum)));
    let mut chosen = Vec::new();
    let mut sum = best.unwrap_or(0);
    while let Some(index) = reached[sum].filter(|_| sum > 0) {
        chosen.push(index);
        sum -= sizes[index];
    }
    chosen
}

/// The part with its custodians: those who were custodians and are in it, the primary first; else the first officers.
fn finish(part: &[usize], clusters: &[Cluster], officers: &[Officer], before: &Custodians) -> SplitPart {
    let mut members: Vec<Uuid> = part.iter().flat_map(|number| clusters[*number].members.iter().copied()).collect();
    members.sort_unstable();
    let here: BTreeSet<usize> = part.iter().copied().collect();
    let fit: Vec<Uuid> =
        officers.iter().filter(|officer| here.contains(&officer.cluster)).map(|officer| officer.id).collect();
    let were: Vec<Uuid> = fit.iter().copied().filter(|id| before.all().any(|custodian| custodian == *id)).collect();
    // One primary and one backup at least; more only where they were custodians already.
    let count = were.len().max(2).min(fit.len());
    let mut chosen = fit.into_iter().take(count);
    let custodians = Custodians { primary: chosen.next(), backups: chosen.collect() };
    let households = part.iter().filter(|number| clusters[**number].members.len() > 1).count();
    SplitPart { members, households, custodians }
}

#[cfg(test)]
mod tests;

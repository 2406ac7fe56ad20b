//! What holds of every split.

use proptest::prelude::*;

use super::*;

fn person(id: usize, household: usize, officer: bool) -> Candidate {
    Candidate {
        id: Uuid::from_u128(1 + id as u128),
        household: if household == 0 { Vec::new() } else { vec![household as u8] },
        officer: officer.then_some(Rank::SubInspector),
    }
}

fn terms(min: usize, ceiling: usize, parts: usize) -> SplitTerms {
    SplitTerms { min, ceiling, parts, custodian_ranks: vec![] }
}

fn administered_by(ids: &[usize]) -> Custodians {
    let mut ids = ids.iter().map(|id| Uuid::from_u128(1 + *id as u128));
    Custodians { primary: ids.next(), backups: ids.collect() }
}

#[test]
fn halves_are_even_and_the_backup_administers_the_new_one() {
    let people: Vec<_> = (0..9).map(|id| person(id, 0, id < 4)).collect();
    let parts = split(&people, &administered_by(&[0, 1]), &terms(4, 10, 2)).unwrap();
    assert_eq!(parts.iter().map(|part| part.members.len()).collect::<Vec<_>>(), [5, 4], "fewer move");
    assert_eq!(parts[0].custodians, administered_by(&[0, 2]));
    assert_eq!(parts[1].custodians, administered_by(&[1, 3]));
}

#[test]
fn with_too_few_officers_a_part_says_that_it_has_none() {
    let people: Vec<_> = (0..8).map(|id| person(id, 0, id == 3)).collect();
    let parts = split(&people, &administered_by(&[3]), &terms(4, 10, 2)).unwrap();
    assert_eq!(parts[0].custodians, administered_by(&[3]));
    assert_eq!(parts[1].custodians, Custodians::default());
    // Officers of other ranks than the order names do not become custodians; who is one stays one.
    let inspectors = SplitTerms { custodian_ranks: vec![Rank::Inspector], ..terms(4, 10, 2) };
    let people: Vec<_> = (0..8).map(|id| person(id, 0, true)).collect();
    let parts = split(&people, &administered_by(&[3]), &inspectors).unwrap();
    assert_eq!((parts[0].custodians.clone(), parts[1].custodians.primary), (administered_by(&[3]), None));
}

#[test]
fn what_stands_in_the_way_is_told_with_numbers() {
    let people: Vec<_> = (0..10).map(|id| person(id, usize::from(id < 7), false)).collect();
    let none = Custodians::default();
    let found = |terms: &SplitTerms| split(&people, &none, terms).unwrap_err();
    assert_eq!(found(&terms(6, 20, 2)), Obstacle::TooFewMembers { found: 10, needed: 12 });
    assert_eq!(found(&terms(1, 4, 2)), Obstacle::TooManyMembers { found: 10, room: 8 });
    assert_eq!(found(&terms(4, 20, 2)), Obstacle::HouseholdTooBig { found: 7, limit: 6 });
    assert_eq!(found(&terms(1, 6, 2)), Obstacle::HouseholdTooBig { found: 7, limit: 6 });
    // Two households of 4 and one of 2: 5 and 5 cannot be.
    let people: Vec<_> = (0..10).map(|id| person(id, 1 + id / 4, false)).collect();
    let stuck = split(&people, &none, &terms(5, 20, 2)).unwrap_err();
    assert_eq!(stuck, Obstacle::HouseholdsDoNotFit { found: 4, needed: 5 });
}

fn people() -> impl Strategy<Value = Vec<Candidate>> {
    prop::collection::vec((0..6usize, prop::bool::weighted(0.3)), 2..40).prop_map(|people| {
        let person = |(id, (household, officer))| person(id, household, officer);
        people.into_iter().enumerate().map(person).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_part_has_its_minimum_households_stay_whole_and_nobody_is_lost(
        (people, shuffled) in people().prop_flat_map(|people| (Just(people.clone()), Just(people).prop_shuffle())),
        min in 1..12usize,
        ceiling in 8..30usize,
        parts in 2..5usize,
        custodians in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let officers: Vec<Uuid> = people.iter().filter(|person| person.officer.is_some()).map(|person| person.id).collect();
        let mut custodians: Vec<Uuid> =
            custodians.iter().filter(|_| !officers.is_empty()).map(|index| officers[index.index(officers.len())]).collect();
        custodians.sort_unstable();
        custodians.dedup();
        let mut ids = custodians.into_iter();
        let custodians = Custodians { primary: ids.next(), backups: ids.collect() };
        let terms = terms(min, ceiling, parts);
        let found = split(&people, &custodians, &terms);
        prop_assert_eq!(&found, &split(&shuffled, &custodians, &terms));
        let Ok(found) = found else { return Ok(()) };

        prop_assert_eq!(found.len(), parts);
        let mut all: Vec<Uuid> = found.iter().flat_map(|part| part.members.iter().copied()).collect();
        all.sort_unstable();
        let mut expected: Vec<Uuid> = people.iter().map(|person| person.id).collect();
        expected.sort_unstable();
        prop_assert_eq!(all, expected);
        for part in &found {
            prop_assert!((min..=ceiling).contains(&part.members.len()));
            for officer in part.custodians.all() {
                prop_assert!(part.members.contains(&officer) && officers.contains(&officer));
            }
            let here = part.members.iter().filter(|member| officers.contains(member)).count();
            prop_assert_eq!(part.custodians.primary.is_some(), here > 0);
            prop_assert_eq!(part.custodians.backups.is_empty(), here < 2);
        }
        for household in 1..6u8 {
            let at = |id: &Uuid| found.iter().position(|part| part.members.contains(id));
            let places: BTreeSet<_> =
                people.iter().filter(|person| person.household == [household]).map(|person| at(&person.id)).collect();
            prop_assert!(places.len() <= 1);
        }
        if let Some(primary) = custodians.primary {
            prop_assert!(found[0].members.contains(&primary), "the primary custodian stays in the group");
        }
    }

    #[test]
    fn two_parts_are_refused_only_when_no_two_would_do(people in people(), min in 1..12usize, ceiling in 8..30usize) {
        let terms = terms(min, ceiling, 2);
        let possible = {
            let sizes: Vec<usize> = clusters(&people).iter().map(|cluster| cluster.members.len()).collect();
            let mut sums = BTreeSet::from([0]);
            for size in sizes {
                sums = sums.iter().flat_map(|sum| [*sum, sum + size]).collect();
            }
            let fits = |size: usize| (min..=ceiling).contains(&size);
            sums.into_iter().any(|sum| fits(sum) && fits(people.len() - sum))
        };
        prop_assert_eq!(split(&people, &Custodians::default(), &terms).is_ok(), possible);
    }
}

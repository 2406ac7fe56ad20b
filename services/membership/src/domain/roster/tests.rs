use std::collections::HashMap;

use proptest::prelude::*;
use senani_order::{Audience, Rank};
use senani_vault::{BLIND_INDEX_LENGTH, NumberPlan};

use super::*;

/// A number, and an index that stands for that of a vault.
fn number(of: u8) -> (PhoneNumber, BlindIndex) {
    let number = NumberPlan { exercise: true }.normalise(&format!("10{of:08}")).unwrap();
    (number, [of; BLIND_INDEX_LENGTH])
}

fn participant(of: u8, admin: Option<bool>, standing: Standing, formerly: &[u8]) -> Participant {
    let (number, index) = number(of);
    let formerly = formerly.iter().map(|of| self::number(*of).1).collect();
    Participant { number, index, admin, standing, formerly }
}

fn upload(format: Format, participants: Vec<Participant>) -> Upload {
    Upload { format, language: "", participants, unnumbered: 0, foreign: 0, own: false, uploader: None }
}

fn id(of: u8) -> Uuid {
    Uuid::from_u128(u128::from(of))
}

/// Who has the number `of`: an officer below 4, a member of the public else.
fn known(of: u8, role: Option<Role>) -> Known {
    let police = of < 4;
    let person = Person { police, rank: police.then_some(Rank::Constable), female: of.is_multiple_of(2) };
    Known { id: id(of), person, active: true, role }
}

fn register(members: Vec<Known>, ceiling: i32) -> Register {
    let custodian = |member: &&Known| member.role == Some(Role::Custodian);
    let mut custodians = members.iter().filter(custodian).map(|member| member.id);
    Register {
        slot: Slot::of(Audience::Community),
        custodians: Custodians { primary: custodians.next(), backups: custodians.collect() },
        enrolled_count: i32::try_from(members.iter().filter(|member| member.role.is_some()).count()).unwrap(),
        ceiling,
        owners: members.iter().map(|member| ([member.id.as_u128() as u8; BLIND_INDEX_LENGTH], member.id)).collect(),
        members,
    }
}

/// Kind, whose, the role after, evidence and obstacle.
type Found = (DifferenceKind, u8, Option<Role>, Option<Evidence>, Option<Obstacle>);

fn found(comparison: &Comparison) -> Vec<Found> {
    let found = |difference: &Difference| {
        let Difference { kind, member, applied_role, evidence, obstacle, .. } = difference;
        (*kind, member.as_u128() as u8, *applied_role, *evidence, *obstacle)
    };
    comparison.differences.iter().map(found).collect()
}

#[test]
fn each_kind_of_difference_is_found() {
    use DifferenceKind::{NumberChanged, OnlyInChat, OnlyInRegister, RoleDiffers};
    let register = register(
        vec![
            known(1, Some(Role::Custodian)),
            known(2, Some(Role::Member)),
            known(3, None),
            known(4, Some(Role::Member)),
            known(5, Some(Role::Member)),
            known(6, Some(Role::Member)),
            known(7, None),
            known(8, Some(Role::Member)),
        ],
        100,
    );
    let chat = vec![
        participant(1, Some(false), Standing::Present, &[]),
        participant(2, Some(true), Standing::Present, &[]),
        participant(3, Some(true), Standing::Present, &[]),
        participant(40, None, Standing::Present, &[4]),
        participant(5, None, Standing::Left, &[]),
        participant(6, None, Standing::NumberChanged, &[]),
        participant(7, Some(true), Standing::Present, &[]),
        participant(50, None, Standing::Present, &[]),
        participant(51, None, Standing::Left, &[]),
    ];
    let comparison = compare(&upload(Format::ChatExport, chat), &register);
    assert_eq!(
        found(&comparison),
        [
            (NumberChanged, 4, Some(Role::Member), None, None),
            (NumberChanged, 6, Some(Role::Member), None, Some(Obstacle::NewNumberUnknown)),
            (OnlyInChat, 3, Some(Role::Custodian), None, None),
            (OnlyInChat, 7, Some(Role::Member), None, None),
            (OnlyInRegister, 5, None, Some(Evidence::Left), None),
            (OnlyInRegister, 8, None, Some(Evidence::NotSeen), None),
            (RoleDiffers, 1, Some(Role::Member), None, None),
            (RoleDiffers, 2, Some(Role::Custodian), None, None),
        ]
    );
    assert_eq!((comparison.in_both, comparison.strangers.len()), (3, 1));
}

#[test]
fn a_list_accounts_for_everybody_unless_it_holds_names() {
    let register = register(vec![known(4, Some(Role::Member)), known(1, Some(Role::Member))], 100);
    let evidence = |upload: &Upload| -> Vec<_> {
        compare(upload, &register).differences.iter().map(|difference| difference.evidence).collect()
    };
    let list = upload(Format::List, vec![participant(4, None, Standing::Present, &[])]);
    assert_eq!(evidence(&list), [Some(Evidence::NotListed)]);
    assert_eq!(evidence(&Upload { unnumbered: 1, ..list.clone() }), [Some(Evidence::NotSeen)]);
    assert_eq!(evidence(&Upload { own: true, ..list.clone() }), [Some(Evidence::NotSeen)]);
    // The list's owner is the one who uploads it.
    assert_eq!(evidence(&Upload { own: true, uploader: Some(id(1)), ..list }), []);
}

#[test]
fn the_last_custodian_stays_and_a_full_group_takes_nobody_who_has_no_place() {
    let register = register(vec![known(1, Some(Role::Custodian)), known(4, Some(Role::Member)), known(5, None)], 2);
    let chat = |present: &[u8]| {
        let present = present.iter().map(|of| participant(*of, Some(false), Standing::Present, &[]));
        compare(&upload(Format::List, present.collect()), &register)
    };
    let obstacles = |comparison: Comparison| -> Vec<_> {
        comparison.differences.iter().map(|difference| (difference.member.as_u128(), difference.obstacle)).collect()
    };
    assert_eq!(obstacles(chat(&[4])), [(1, Some(Obstacle::SoleCustodian))]);
    assert_eq!(obstacles(chat(&[1, 4, 5])), [(5, Some(Obstacle::GroupFull)), (1, Some(Obstacle::SoleCustodian))]);
    // Who goes makes room.
    assert_eq!(obstacles(chat(&[1, 5])), [(5, None), (4, None), (1, Some(Obstacle::SoleCustodian))]);
}

#[test]
fn custodians_change_places_in_a_full_group() {
    let register = register(vec![known(1, Some(Role::Custodian)), known(2, None)], 1);
    let comparison =
        compare(&upload(Format::Table, vec![participant(2, Some(true), Standing::Present, &[])]), &register);
    assert!(comparison.differences.iter().all(|difference| difference.obstacle.is_none()));
    let applied = apply(&comparison.differences, &register.custodians, 1, 1).unwrap();
    assert_eq!((applied.custodians.primary, applied.enrolled_count), (Some(id(2)), 1));
    // One of the two alone is refused.
    let [comes, goes] = &comparison.differences[..] else { panic!("two differences") };
    assert_eq!(apply(std::slice::from_ref(goes), &register.custodians, 1, 1), Err(ApplyError::SoleCustodian));
    assert_eq!(apply(std::slice::from_ref(comes), &register.custodians, 1, 1), Err(ApplyError::GroupFull));
}

#[test]
fn a_number_that_another_member_has_is_not_recorded_again() {
    let register = register(vec![known(4, Some(Role::Member)), known(5, Some(Role::Member))], 100);
    let chat = vec![participant(5, None, Standing::Present, &[4])];
    let comparison = compare(&upload(Format::ChatExport, chat), &register);
    assert_eq!(
        found(&comparison),
        [(DifferenceKind::NumberChanged, 4, Some(Role::Member), None, Some(Obstacle::NumberTaken))]
    );
    // The former number is in the chat: nothing follows from the change.
    let chat = vec![participant(4, None, Standing::Present, &[]), participant(50, None, Standing::Present, &[4])];
    let comparison = compare(&upload(Format::ChatExport, chat), &register);
    assert!(comparison.differences.iter().all(|difference| difference.kind == DifferenceKind::OnlyInRegister));
    assert_eq!(comparison.strangers.len(), 1);
}

/// The register after what was applied.
fn after(register: &Register, differences: &[Difference]) -> Register {
    let applied = apply(differences, &register.custodians, register.enrolled_count, register.ceiling)
        .expect("what has no obstacle can be applied together");
    let mut roles: HashMap<Uuid, Option<Role>> =
        register.members.iter().map(|member| (member.id, member.role)).collect();
    for change in &applied.changes {
        match *change {
            Change::Enrol(member, role) => assert_eq!(roles.insert(member, Some(role)), Some(None)),
            Change::End(member) => assert!(roles.insert(member, None).flatten().is_some()),
            Change::SetRole(member, role) => assert!(roles.insert(member, Some(role)).flatten().is_some()),
        }
    }
    let mut owners = register.owners.clone();
    for difference in differences {
        if let Some(change) = &difference.number {
            assert_eq!(owners.remove(&change.old), Some(difference.member));
            assert_eq!(owners.insert(change.new, difference.member), None);
        }
    }
    let members: Vec<Known> =
        register.members.iter().map(|member| Known { role: roles[&member.id], ..*member }).collect();
    let enrolled = members.iter().filter(|member| member.role.is_some()).count();
    assert_eq!(applied.enrolled_count as usize, enrolled);
    let mut custodians: Vec<Uuid> = applied.custodians.all().collect();
    custodians.sort_unstable();
    let meant: Vec<Uuid> =
        members.iter().filter(|member| member.role == Some(Role::Custodian)).map(|member| member.id).collect();
    assert_eq!(custodians, meant);
    Register {
        custodians: applied.custodians,
        enrolled_count: applied.enrolled_count,
        members,
        owners,
        ..register.clone()
    }
}

fn roles() -> impl Strategy<Value = Option<Role>> {
    prop_oneof![Just(None), Just(Some(Role::Member)), Just(Some(Role::Custodian))]
}

prop_compose! {
    fn registers()(roles in proptest::collection::vec((roles(), any::<bool>()), 12), ceiling in 0..14, women in any::<bool>()) -> Register {
        let members = (0u8..).zip(roles).map(|(of, (role, active))| {
            let member = known(of, role);
            // Only officers are custodians.
            let role = if member.person.police { role } else { role.map(|_| Role::Member) };
            Known { role, active: active || role.is_some(), ..member }
        });
        let slot = Slot::of(if women { Audience::WomenPolice } else { Audience::Community });
        Register { slot, ..register(members.collect(), ceiling) }
    }
}

prop_compose! {
    fn uploads()(
        participants in proptest::collection::vec((any::<Option<bool>>(), 0..6, proptest::option::of(0u8..16)), 16),
        complete in any::<bool>(),
        unnumbered in 0usize..2,
    ) -> Upload {
        let participants = (0u8..).zip(participants).filter_map(|(of, (admin, standing, formerly))| {
            let standing = match standing {
                0 | 1 => return None,
                2 => Standing::Left,
                3 => Standing::NumberChanged,
                _ => Standing::Present,
            };
            let formerly: Vec<u8> = formerly.filter(|former| *former != of).into_iter().collect();
            Some(participant(of, admin, standing, &formerly))
        });
        let format = if complete { Format::Table } else { Format::ChatExport };
        Upload { unnumbered, ..upload(format, participants.collect()) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn after_everything_was_applied_the_same_file_finds_nothing_that_can_be(register in registers(), upload in uploads()) {
        let comparison = compare(&upload, &register);
        let applicable: Vec<Difference> =
            comparison.differences.into_iter().filter(|difference| difference.obstacle.is_none()).collect();
        let changed = after(&register, &applicable);
        prop_assert!(register.custodians.primary.is_none() || changed.custodians.primary.is_some());
        prop_assert!(changed.enrolled_count <= changed.ceiling.max(register.enrolled_count));
        let again = compare(&upload, &changed);
        let left: Vec<_> = again.differences.iter().filter(|difference| difference.obstacle.is_none()).collect();
        prop_assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn any_selection_keeps_a_custodian_and_the_ceiling_or_is_refused(
        register in registers(), upload in uploads(), chosen in any::<u32>(),
    ) {
        let mut place = 0;
        let mut selected = compare(&upload, &register).differences;
        selected.retain(|difference| {
            place += 1;
            difference.obstacle.is_none() && chosen & (1 << place) != 0
        });
        match apply(&selected, &register.custodians, register.enrolled_count, register.ceiling) {
            Ok(applied) => {
                prop_assert!(register.custodians.primary.is_none() || applied.custodians.primary.is_some());
                prop_assert!(applied.enrolled_count <= register.ceiling.max(register.enrolled_count));
            }
            Err(ApplyError::SoleCustodian) => prop_assert!(register.custodians.primary.is_some()),
            Err(ApplyError::GroupFull) => prop_assert!(selected.iter().any(|one| one.kind == DifferenceKind::OnlyInChat)),
        }
    }
}

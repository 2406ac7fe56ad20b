//! The posts of units over time: whatever is asked for, a unit has one head at most on every day, and the past stays as it was.

use std::collections::BTreeMap;

use proptest::prelude::*;
use senani_hierarchy::domain::{Act, Appointment, Day, FOREVER, Nature, OPEN_ENDED, Objection, Post, Posts};
use uuid::Uuid;

const DAYS: u32 = 28;
const UNITS: u128 = 3;
const HOUR: i64 = 3_600_000_000;
const INDIA: i32 = 330 * 60;

fn day(number: u32) -> Day {
    Day::of(&format!("2026-01-{number:02}"), INDIA).expect("a day")
}

fn post(number: u8) -> Post {
    if number == 0 { Post::SecondInCommand } else { Post::Head }
}

/// What a caller asks for, at random.
#[derive(Debug, Clone)]
enum Wish {
    Appoint { officer: u128, unit: u128, post: u8 },
    Relieve { appointment: usize },
    Transfer { appointment: usize, unit: u128, post: u8 },
    Delegate { appointment: usize, officer: u128, after: i64, hours: i64 },
    BreakGlass { officer: u128, unit: u128 },
    End { appointment: usize },
    Close { unit: u128 },
}

fn wishes() -> impl Strategy<Value = Vec<(u32, u32, i64, Wish)>> {
    let (officer, unit, number) = (|| 1..6_u128, || 0..UNITS, || 0..32_usize);
    let wish = prop_oneof![
        5 => (officer(), unit(), 0..4_u8).prop_map(|(officer, unit, post)| Wish::Appoint { officer, unit, post }),
        3 => number().prop_map(|appointment| Wish::Relieve { appointment }),
        4 => (number(), unit(), 0..4_u8)
            .prop_map(|(appointment, unit, post)| Wish::Transfer { appointment, unit, post }),
        4 => (number(), officer(), 0..40_i64, 1..100_i64)
            .prop_map(|(appointment, officer, after, hours)| Wish::Delegate { appointment, officer, after, hours }),
        1 => (officer(), unit()).prop_map(|(officer, unit)| Wish::BreakGlass { officer, unit }),
        2 => number().prop_map(|appointment| Wish::End { appointment }),
        1 => unit().prop_map(|unit| Wish::Close { unit }),
    ];
    // Days from one wish to the next, days that it reaches back, and hours into its day.
    prop::collection::vec((0..2_u32, 0..4_u32, 0..24_i64, wish), 1..50)
}

fn appointment(id: u128, officer: u128, unit: u128, post: Post, (start, end): (i64, i64)) -> Appointment {
    Appointment {
        id: Uuid::from_u128(id),
        officer: Uuid::from_u128(officer),
        unit: Uuid::from_u128(unit),
        unit_slug: format!("unit-{unit}"),
        post,
        nature: Nature::Substantive,
        start_date: String::new(),
        end_date: String::new(),
        start,
        end,
        delegated_from: None,
        reason: String::new(),
        appointed_by: String::new(),
        ended_by: String::new(),
        version: 1,
        created_at: 0,
        updated_at: 0,
    }
}

fn substantive(id: u128, officer: u128, unit: u128, post: Post, from: &Day) -> Appointment {
    let (start_date, end_date) = (from.date.clone(), FOREVER.to_owned());
    Appointment { start_date, end_date, ..appointment(id, officer, unit, post, (from.begins, OPEN_ENDED)) }
}

/// Who answers for each unit at the end of each day before a day.
fn answers(posts: &Posts, before: u32) -> BTreeMap<(u32, u128), (Uuid, Option<Uuid>)> {
    let mut answers = BTreeMap::new();
    for number in 1..before {
        for unit in 0..UNITS {
            if let Some((holder, head)) = posts.answerable(Uuid::from_u128(unit), day(number).last()) {
                answers.insert((number, unit), (holder.id, head.map(|head| head.id)));
            }
        }
    }
    answers
}

fn assert_sound(posts: &Posts) {
    for unit in (0..UNITS).map(Uuid::from_u128) {
        let heads = || {
            posts
                .all()
                .filter(move |held| held.unit == unit && held.post == Post::Head && held.nature == Nature::Substantive)
        };
        for number in 1..=DAYS {
            let many = heads().filter(|held| held.held_at(day(number).begins)).count();
            assert!(many <= 1, "{many} heads on the {number}th");
        }
    }
    for held in posts.all() {
        let from = held.delegated_from.map(|id| posts.get(id).expect("delegated from what is on record"));
        for moment in [held.start, held.end - 1] {
            if held.held_at(moment) && held.nature == Nature::Delegation {
                assert!(from.is_some_and(|from| from.held_at(moment)), "a delegation of what is not held");
            }
        }
        if held.nature == Nature::Substantive {
            let ends = Day::of(&held.end_date, INDIA).map(|day| day.begins);
            assert!(held.is_open_ended() || ends == Some(held.end), "day and moment differ");
            assert!(held.start <= held.end);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_keeps_one_head_a_day_and_the_answers_of_the_days_before_it(wishes in wishes()) {
        let mut posts = Posts::default();
        let mut today = 4;
        for (next, (pause, back, hour, wish)) in (1000..).zip(wishes) {
            today = (today + pause).min(DAYS - 4);
            let reached = today.saturating_sub(back).max(1);
            let (from, now) = (day(reached), day(today).begins + hour * HOUR);
            let act = Act { by: "officers/tester", now };
            let ids: Vec<Uuid> = posts.all().map(|held| held.id).collect();
            let pick = |number: usize| ids.get(number % ids.len().max(1)).copied().unwrap_or_default();
            let before = posts.clone();
            let (outcome, first) = match wish {
                Wish::Appoint { officer, unit, post: number } => {
                    (posts.appoint(substantive(next, officer, unit, post(number), &from)), reached)
                }
                Wish::Relieve { appointment } => (posts.relieve(pick(appointment), &from, act), reached),
                Wish::Transfer { appointment, unit, post: number } => {
                    let id = pick(appointment);
                    let officer = posts.get(id).map_or(9, |held| held.officer.as_u128());
                    let new = substantive(next, officer, unit, post(number), &from);
                    (posts.transfer(id, &from, new, act), reached)
                }
                Wish::Delegate { appointment: number, officer, after, hours } => {
                    let id = pick(number);
                    let (unit, post) = posts.get(id).map_or((0, Post::Head), |held| (held.unit.as_u128(), held.post));
                    let start = now + after * HOUR;
                    let new = Appointment {
                        nature: Nature::Delegation,
                        delegated_from: Some(id),
                        ..appointment(next, officer, unit, post, (start, start + hours * HOUR))
                    };
                    (posts.delegate(new, act), today)
                }
                Wish::BreakGlass { officer, unit } => {
                    let new = Appointment {
                        nature: Nature::BreakGlass,
                        ..appointment(next, officer, unit, Post::Head, (now, now + HOUR))
                    };
                    (posts.break_glass(new, act, 12), today)
                }
                Wish::End { appointment } => (posts.end(pick(appointment), act), today),
                Wish::Close { unit } => (posts.close(Uuid::from_u128(unit), &from, act), reached),
            };
            assert_sound(&posts);
            assert_eq!(answers(&posts, first), answers(&before, first), "what was answered before the {first}th");
            if outcome.is_err() {
                assert!(posts.all().eq(before.all()), "a refusal changes nothing");
            }
        }
    }
}

#[test]
fn a_head_is_stood_in_for_during_the_delegation_and_answers_again_after_it() {
    let mut posts = Posts::default();
    let (from, now) = (day(2), day(5).begins + 9 * HOUR);
    let act = Act { by: "officers/tester", now };
    posts.appoint(substantive(1, 11, 0, Post::Head, &from)).expect("appoints");
    let delegation = |id, officer, hours: std::ops::Range<i64>| Appointment {
        nature: Nature::Delegation,
        delegated_from: Some(Uuid::from_u128(1)),
        ..appointment(id, officer, 0, Post::Head, (now + hours.start * HOUR, now + hours.end * HOUR))
    };
    assert_eq!(posts.delegate(delegation(2, 11, 0..8), act), Err(Objection::OwnDelegate));
    assert_eq!(posts.delegate(delegation(2, 12, 0..60 * 24 + 1), act), Err(Objection::Term(60 * 24)));
    assert_eq!(posts.delegate(delegation(2, 12, -1..2), act), Err(Objection::Term(60 * 24)));
    posts.delegate(delegation(2, 12, 0..8), act).expect("delegates");
    let taken = Objection::DelegatedAlready(Uuid::from_u128(1), Uuid::from_u128(2));
    assert_eq!(posts.delegate(delegation(3, 13, 7..9), act), Err(taken));
    posts.delegate(delegation(3, 13, 8..9), act).expect("delegates what comes after");
    let who = |posts: &Posts, moment| {
        posts.answerable(Uuid::nil(), moment).map(|(holder, _)| holder.officer.as_u128()).unwrap_or_default()
    };
    for (hours, officer) in [(-1, 11), (0, 12), (7, 12), (8, 13), (9, 11)] {
        assert_eq!(who(&posts, now + hours * HOUR), officer, "after {hours} hours");
    }
    posts.relieve(Uuid::from_u128(1), &day(5), act).expect("relieves");
    assert_eq!(who(&posts, now + HOUR), 0, "what was delegated ends with what it was delegated from");
}

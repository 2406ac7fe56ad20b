//! Whatever the chat looks like: after everything that can be applied was applied, the same file finds nothing that can be.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use senani_proto::membership::v1::roster_difference::Obstacle;
use senani_testkit::engines;

use crate::chat::{Rosters, all, shown};

/// Numbers of members of this station and of another, and of nobody.
const NUMBERS: [u32; 13] = [1, 2, 3, 11, 12, 13, 14, 21, 22, 23, 901, 902, 903];
/// Chats for each engine.
const ROUNDS: usize = 10;

/// What a number does in the chat: whether it administers, whether it is there, and to which number of nobody it changed.
#[derive(Debug, Clone, Copy)]
struct Part {
    number: u32,
    admin: Option<bool>,
    there: bool,
    changed_to: Option<u32>,
}

/// Whether it administers, whether it is there, what it changed to, whether the file names it at all.
type Fate = (Option<bool>, bool, Option<u32>, bool);

fn chats() -> impl Strategy<Value = (Vec<Part>, u8)> {
    let changed = prop::option::weighted(0.2, 0u32..10_000);
    let fate = (any::<Option<bool>>(), prop::bool::weighted(0.7), changed, prop::bool::weighted(0.9));
    let part = |(number, (admin, there, changed_to, named)): (u32, Fate)| {
        let changed_to = changed_to.map(|to| 10_000 + 100_000 * number + to);
        named.then_some(Part { number, admin, there, changed_to })
    };
    let parts = prop::collection::vec(fate, NUMBERS.len())
        .prop_map(move |fates| NUMBERS.into_iter().zip(fates).filter_map(part).collect::<Vec<Part>>());
    (parts, 0..3u8)
}

/// The chat as a file: a table, a list or a chat export.
fn file(parts: &[Part], form: u8) -> String {
    match form {
        0 => {
            let row = |part: &Part| {
                let admin = match part.admin {
                    None => "",
                    Some(true) => "Admin",
                    Some(false) => "Member",
                };
                format!("{},{admin}\n", shown(part.number))
            };
            "Phone,Role\n".to_owned() + &parts.iter().filter(|part| part.there).map(row).collect::<String>()
        }
        1 => {
            let there = parts.iter().filter(|part| part.there).map(|part| shown(part.number));
            // A list names somebody, else it is none.
            there.chain([shown(901)]).collect::<Vec<_>>().join(", ")
        }
        _ => {
            let mut lines = vec!["Messages and calls are end-to-end encrypted.".to_owned()];
            for part in parts {
                let mut number = shown(part.number);
                lines.push(format!("{number}: hello"));
                if let Some(new) = part.changed_to {
                    lines.push(format!("{number} changed to {}", shown(new)));
                    number = shown(new);
                }
                match part.admin {
                    Some(true) => lines.push(format!("{number} is now an admin")),
                    Some(false) => lines.push(format!("{number} is no longer an admin")),
                    None => {}
                }
                if !part.there {
                    lines.push(format!("{number} left"));
                }
            }
            lines
                .iter()
                .map(|line| format!("[12/05/26, 9:41:07\u{202f}PM] Kotwali: \u{200e}{line}\n"))
                .map(sent)
                .collect()
        }
    }
}

/// A line of a participant has no mark and no group before it.
fn sent(line: String) -> String {
    if line.contains(": hello") { line.replace("Kotwali: \u{200e}", "") } else { line }
}

#[tokio::test]
async fn what_was_applied_is_not_found_again_whatever_the_chat_says() {
    for engine in engines() {
        let rosters = Rosters::start(engine).await;
        let mut runner = TestRunner::deterministic();
        let mut applied = 0;
        for round in 0..ROUNDS {
            let (parts, form) = chats().new_tree(&mut runner).expect("a chat").current();
            let file = file(&parts, form);
            let compared = rosters.reconcile(&file).await.expect("compares");
            let request = all(&compared);
            if !request.difference_ids.is_empty() {
                applied += request.difference_ids.len();
                rosters.apply(request).await.expect("what has no obstacle can be applied together");
            }
            rosters.recount().await;
            let again = rosters.reconcile(&file).await.expect("compares");
            let free = again.differences.iter().filter(|one| one.obstacle() == Obstacle::Unspecified);
            assert_eq!(free.count(), 0, "round {round} of {engine:?}: {parts:?} as {form}: {again:?}");
        }
        assert!(applied > ROUNDS, "the chats differ from the register: {applied}");
    }
}

//! What a room of a crate must not mention, whatever its crate may depend on.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::workspace;

/// Words that the sources in some places must not contain.
#[derive(Debug)]
pub(crate) struct Ban {
    /// Folders (or the file of that name), from the workspace's root; `*` stands for one folder.
    places: &'static [&'static str],
    /// Places within them that it does not hold for.
    except: &'static [&'static str],
    /// What the rule says.
    rule: &'static str,
    /// Each word, and what to do instead.
    words: &'static [(&'static str, &'static str)],
}

pub(crate) const BANS: &[Ban] = &[
    Ban {
        places: &["services/*/src/domain", "libs/order/src", "libs/roster/src"],
        except: &[],
        rule: "the domain is plain types and pure functions: no messages, tables, clock or I/O",
        words: &[
            ("tonic", "return an error of the domain; `api` makes a status of it"),
            ("prost", "take a plain type; `api` converts the message"),
            ("prost_types", "take a plain type; `api` converts the message"),
            ("sea_orm", "move the query to `store` and take what it returns"),
            ("tokio", "take what was waited for as an argument"),
            ("SystemTime", "take the time as an argument"),
            ("Instant::now", "take the time as an argument"),
            ("OffsetDateTime::now_utc", "take the time as an argument"),
            ("Uuid::now_v7", "take the id as an argument: making one reads the clock"),
            ("std::fs", "take the contents as an argument"),
            ("std::net", "take what was received as an argument"),
            ("std::env", "take the setting as an argument"),
        ],
    },
    Ban {
        places: &["services/*/src/api"],
        except: &[],
        rule: "`api` parses, authorises, calls and answers; only `store` knows tables",
        words: &[("sea_orm", "call a function of `store`, which returns types of the domain")],
    },
    Ban {
        places: &["libs/store/src"],
        except: &[],
        rule: "the store speaks to a database, not to a network",
        words: &[("tonic::transport", "serve it with `senani-server`, or follow it with `senani-client`")],
    },
    Ban {
        places: &["services/gateway/src"],
        // What comes in by webhook, and what browsers read, is not gRPC: someone has to turn it into a call.
        except: &["services/gateway/src/webhook", "services/gateway/src/page"],
        rule: "the gateway forwards by path and has no code per method",
        words: &[
            ("senani_proto::hierarchy", "forward the call as it is, or decide in the service"),
            ("senani_proto::membership", "forward the call as it is, or decide in the service"),
            ("senani_proto::bulletin", "forward the call as it is, or decide in the service"),
            ("senani_proto::analytics", "forward the call as it is, or decide in the service"),
        ],
    },
];

/// Every violation in the sources of the workspace at `root`.
///
/// # Errors
/// A source that cannot be read.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for folder in ["libs", "services"] {
        for path in workspace::files(&root.join(folder), "rs")? {
            let from_root = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            if BANS.iter().any(|ban| ban.holds_for(&from_root)) {
                let source = fs::read_to_string(&path).with_context(|| format!("reading {from_root}"))?;
                violations.extend(check_source(&from_root, &source));
            }
        }
    }
    Ok(violations)
}

/// Every violation in one source.
fn check_source(path: &str, source: &str) -> Vec<String> {
    let mut violations = Vec::new();
    for ban in BANS.iter().filter(|ban| ban.holds_for(path)) {
        for (number, line) in source.lines().enumerate() {
            let code = without_comment(line);
            for (word, instead) in ban.words.iter().filter(|(word, _)| mentions(code, word)) {
                violations.push(format!("{path}:{}: `{word}`: {}; {instead}", number + 1, ban.rule));
            }
        }
    }
    violations
}

impl Ban {
    fn holds_for(&self, path: &str) -> bool {
        let within = |places: &[&str]| places.iter().any(|place| is_within(path, place));
        within(self.places) && !within(self.except)
    }
}

/// Whether `path` is the folder `place`, the file `place.rs`, or below it.
fn is_within(path: &str, place: &str) -> bool {
    let mut segments = path.split('/');
    let mut wanted = place.split('/').peekable();
    while let Some(want) = wanted.next() {
        let Some(segment) = segments.next() else { return false };
        let last = wanted.peek().is_none();
        let same = want == "*" || segment == want || (last && segment.strip_suffix(".rs") == Some(want));
        if !same {
            return false;
        }
    }
    true
}

/// The line up to its comment. `//` after a colon is part of a URL.
fn without_comment(line: &str) -> &str {
    let start = line.match_indices("//").map(|(at, _)| at).find(|&at| at == 0 || !line[..at].ends_with(':'));
    start.map_or(line, |at| &line[..at])
}

/// Whether `word` is in `code` as a whole: `prost` is not in `compost` or `prost_types`.
fn mentions(code: &str, word: &str) -> bool {
    let part_of_a_name = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(word)
        .any(|(at, _)| !code[..at].ends_with(part_of_a_name) && !code[at + word.len()..].starts_with(part_of_a_name))
}

#[cfg(test)]
mod tests {
    use super::{check_source, is_within, mentions, without_comment};

    #[test]
    fn a_clock_in_a_domain_room_is_found_with_its_line_its_rule_and_what_to_do() {
        let source = "//! Rules.\n\nfn age() -> Duration { SystemTime::now().elapsed() }\n";
        let violations = check_source("services/hierarchy/src/domain/unit.rs", source);
        assert_eq!(
            violations,
            [
                "services/hierarchy/src/domain/unit.rs:3: `SystemTime`: the domain is plain types and pure functions: no messages, \
              tables, clock or I/O; take the time as an argument"
            ]
        );
    }

    #[test]
    fn the_same_words_are_free_outside_the_domain_and_in_comments() {
        let source = "use tokio::fs; // std::fs\n";
        assert!(check_source("services/hierarchy/src/worker/planner.rs", source).is_empty());
        assert!(
            check_source("services/hierarchy/src/domain.rs", "/// Unlike tonic, prost or tokio.\nfn f() {}").is_empty()
        );
        assert_eq!(check_source("services/hierarchy/src/domain.rs", source).len(), 1);
    }

    #[test]
    fn a_query_in_an_api_room_and_a_method_in_the_gateway_are_found() {
        assert_eq!(check_source("services/bulletin/src/api/tasks.rs", "use sea_orm::EntityTrait;").len(), 1);
        let import = "use senani_proto::bulletin::v1 as pb;";
        assert_eq!(check_source("services/gateway/src/forward.rs", import).len(), 1);
        assert!(check_source("services/gateway/src/webhook.rs", import).is_empty());
        assert!(check_source("services/gateway/src/webhook/receipt.rs", import).is_empty());
        assert_eq!(check_source("libs/store/src/log.rs", "tonic::transport::Channel").len(), 1);
    }

    #[test]
    fn a_place_is_a_folder_or_the_file_of_its_name() {
        assert!(is_within("services/a/src/domain/b/c.rs", "services/*/src/domain"));
        assert!(is_within("services/a/src/domain.rs", "services/*/src/domain"));
        assert!(!is_within("services/a/src/domains/b.rs", "services/*/src/domain"));
        assert!(!is_within("services/a/tests/domain/b.rs", "services/*/src/domain"));
        assert!(!is_within("services/a/src", "services/*/src/domain"));
    }

    #[test]
    fn words_are_compared_as_a_whole() {
        assert!(mentions("use prost::Message;", "prost"));
        assert!(!mentions("use prost_types::Any; let compost = 1;", "prost"));
        assert!(mentions("let now = std::time::Instant::now();", "Instant::now"));
        assert!(!mentions("Instant::nowhere()", "Instant::now"));
        assert_eq!(without_comment("let a = \"http://x\"; // tonic"), "let a = \"http://x\"; ");
    }
}

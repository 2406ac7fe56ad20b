//! Settings as services declare them, from files and environments as operators write them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use senani_config::{ConfigError, Secret, check_sections, load, load_from, render};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

const NOTHING: [(&str, &str); 0] = [];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    database_url: Secret,
    listen: String,
    webhook: Option<Webhook>,
    limit: Option<u16>,
    label: Option<String>,
    exercise: bool,
    rate: f64,
    languages: Vec<String>,
    mode: Mode,
    pool: Pool,
    tokens: BTreeMap<String, Secret>,
    senders: Vec<Sender>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Careful,
    Fast,
}

/// Its own defaults differ from what `Config` makes of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Pool {
    size: u8,
    idle_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Webhook {
    path: String,
    secret: Secret,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Sender {
    name: String,
    per_second: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: "sqlite://m.db".into(),
            listen: "127.0.0.1:0".to_owned(),
            webhook: None,
            limit: None,
            label: None,
            exercise: false,
            rate: 1.5,
            languages: vec!["hi".to_owned(), "en".to_owned()],
            mode: Mode::Careful,
            pool: Pool { size: 4, idle_seconds: 600 },
            tokens: BTreeMap::from([("officers/desk-author".to_owned(), "author-token".into())]),
            senders: vec![],
        }
    }
}

struct File {
    folder: TempDir,
    path: PathBuf,
}

fn file(text: &str) -> File {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("senani.toml");
    std::fs::write(&path, text).expect("a file");
    File { folder, path }
}

fn from_file(text: &str) -> Result<Config, ConfigError> {
    load_from("membership", Some(&file(text).path), NOTHING)
}

fn from_environment(environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    load_from("membership", None, environment.iter().copied())
}

/// The error without the folder of the file.
fn shown(result: Result<Config, ConfigError>) -> String {
    let error = result.expect_err("it is refused").to_string();
    error
        .split(' ')
        .map(|word| word.rsplit_once("/").filter(|_| word.contains("senani.toml")).map_or(word, |(_, name)| name))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn without_file_and_environment_the_defaults_hold() {
    assert_eq!(from_environment(&[]).unwrap(), Config::default());
    assert_eq!(load::<Config>("no-such-section", None).unwrap(), Config::default());
    assert_eq!(from_file("[bulletin]\nlisten = 5\n").unwrap(), Config::default());
}

#[test]
fn the_file_goes_over_the_defaults_and_the_environment_over_the_file() {
    let file = file("[membership]\nlisten = '0.0.0.0:1'\nlimit = 7\nrate = 2\n[membership.pool]\nsize = 9\n");
    let environment = [("SENANI_MEMBERSHIP__LISTEN", "0.0.0.0:2"), ("SENANI_BULLETIN__LISTEN", "no"), ("PATH", "/bin")];
    let config: Config = load_from("membership", Some(&file.path), environment).unwrap();
    assert_eq!((config.listen.as_str(), config.limit, config.rate), ("0.0.0.0:2", Some(7), 2.0));
    assert_eq!(
        config.pool,
        Pool { size: 9, idle_seconds: 600 },
        "the rest of a table keeps what the section's defaults say"
    );
}

#[test]
fn variables_are_read_by_the_type_of_the_default() {
    let config = from_environment(&[
        ("SENANI_MEMBERSHIP__DATABASE_URL", "postgres://u:pw@db/m"),
        ("SENANI_MEMBERSHIP__EXERCISE", "true"),
        ("SENANI_MEMBERSHIP__LABEL", "42"),
        ("SENANI_MEMBERSHIP__LANGUAGES", r#"["bho", "mai"]"#),
        ("SENANI_MEMBERSHIP__LIMIT", "42"),
        ("SENANI_MEMBERSHIP__MODE", "fast"),
        ("SENANI_MEMBERSHIP__POOL__SIZE", "12"),
        ("SENANI_MEMBERSHIP__RATE", "3"),
        ("SENANI_MEMBERSHIP__SENDERS", r#"[{ name = "a", per_second = 80 }]"#),
        ("SENANI_MEMBERSHIP__WEBHOOK__PATH", "/hook"),
        ("SENANI_MEMBERSHIP__WEBHOOK__SECRET", "12345"),
    ])
    .unwrap();
    assert_eq!(config.database_url.expose(), "postgres://u:pw@db/m");
    assert_eq!(
        (config.exercise, config.label.as_deref(), config.limit, config.mode),
        (true, Some("42"), Some(42), Mode::Fast)
    );
    assert_eq!((config.languages.len(), config.pool.size, config.rate), (2, 12, 3.0));
    assert_eq!(config.senders, [Sender { name: "a".to_owned(), per_second: 80 }]);
    assert_eq!(config.webhook, Some(Webhook { path: "/hook".to_owned(), secret: "12345".into() }));
}

#[test]
fn a_value_of_the_wrong_type_is_refused_by_name_and_never_shown() {
    for (variable, value, problem) in [
        ("POOL__SIZE", "hunter2", "expected an integer"),
        ("POOL__SIZE", "7000", "expected u8"),
        ("POOL", "hunter2", "expected a table as TOML writes it, { a = 1 }, or variables for its fields"),
        ("EXERCISE", "hunter2", "expected true or false"),
        ("RATE", "hunter2", "expected a number"),
        ("LANGUAGES", "hunter2", "expected an array as TOML writes it, [\"a\", \"b\"]"),
        ("LIMIT", "hunter2", "expected u16"),
        ("LIMIT", "70000", "expected u16"),
        ("MODE", "hunter2", "expected `careful` or `fast`"),
        ("WEBHOOK__PATH", "/hunter2", "missing field `secret`"),
        ("DATABASE_URL", "***", "expected a text other than `***`, or { file = \"PATH\" }"),
    ] {
        let name = format!("SENANI_MEMBERSHIP__{variable}");
        assert_eq!(shown(from_environment(&[(&name, value)])), format!("variable {name}: {problem}"));
    }
    for (line, problem) in [
        ("listen = 70707", "key `membership.listen` in senani.toml: expected a string"),
        ("pool.size = 'hunter2'", "key `membership.pool.size` in senani.toml: expected u8"),
        ("senders = [{ name = 'a', per_second = 'hunter2' }]", "key `membership.senders` in senani.toml: expected u32"),
        ("webhook = 'hunter2'", "key `membership.webhook` in senani.toml: expected struct Webhook"),
        (
            "database_url = ['hunter2']",
            "key `membership.database_url` in senani.toml: expected a text other than `***`, or { file = \"PATH\" }",
        ),
    ] {
        assert_eq!(shown(from_file(&format!("[membership]\n{line}\n"))), problem);
    }
}

#[test]
fn an_unknown_key_or_variable_is_named() {
    assert!(
        shown(from_file("[membership]\nlisen = 'x'\n"))
            .starts_with("key `membership.lisen` in senani.toml is not known; known there: database_url, ")
    );
    assert_eq!(
        shown(from_file("[membership.pool]\nsise = 3\n")),
        "key `membership.pool.sise` in senani.toml is not known; known there: idle_seconds, size"
    );
    assert!(
        shown(from_file("[membership]\nsenders = [{ name = 'a', per_second = 1, per_hour = 2 }]\n"))
            .contains("`membership.senders` in senani.toml is not known")
    );
    assert!(shown(from_file("[membership.pol]\n")).contains("key `membership.pol` in senani.toml is not known"));
    assert!(
        shown(from_environment(&[("SENANI_MEMBERSHIP__POOL__SISE", "3")]))
            .starts_with("variable SENANI_MEMBERSHIP__POOL__SISE is not known")
    );
    assert!(
        shown(from_environment(&[("SENANI_MEMBERSHIP__", "3")]))
            .starts_with("variable SENANI_MEMBERSHIP__ is not known")
    );
}

#[test]
fn a_struct_that_denies_unknown_fields_says_all_that_it_knows() {
    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Strict {
        a: u8,
        b: Option<u8>,
    }
    let error = load_from::<Strict, _, _>("x", None, [("SENANI_X__AA", "1"), ("SENANI_X__B", "1")]).unwrap_err();
    assert_eq!(error.to_string(), "variable SENANI_X__AA is not known; known there: a, b");
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_named_with_the_line() {
    let file = file("[membership]\nlisten = 'a'\npool = { size = }\n");
    let absent = file.folder.path().join("absent.toml");
    assert!(
        matches!(load_from::<Config, _, _>("membership", Some(&absent), NOTHING), Err(ConfigError::Read { path, .. }) if path == absent)
    );
    let error = load_from::<Config, _, _>("membership", Some(&file.path), NOTHING).unwrap_err();
    assert!(matches!(error, ConfigError::Syntax { line: 3, .. }), "{error}");
    assert_eq!(shown(from_file("membership = 5")), "key `membership` in senani.toml: expected a table, [membership]");
}

#[test]
fn a_secret_can_lie_in_a_file_of_its_own() {
    let file = file("");
    let path = file.folder.path().join("url");
    std::fs::write(&path, "postgres://u:pw@db/m\n").unwrap();
    let path = path.to_str().unwrap();

    let config = from_file(&format!("[membership]\ndatabase_url = {{ file = '{path}' }}\n")).unwrap();
    assert_eq!(config.database_url.expose(), "postgres://u:pw@db/m");
    let config = from_environment(&[("SENANI_MEMBERSHIP__DATABASE_URL__FILE", path)]).unwrap();
    assert_eq!(config.database_url.expose(), "postgres://u:pw@db/m");
    let config = from_environment(&[
        ("SENANI_MEMBERSHIP__WEBHOOK__PATH", "/"),
        ("SENANI_MEMBERSHIP__WEBHOOK__SECRET__FILE", path),
    ])
    .unwrap();
    assert_eq!(config.webhook.unwrap().secret.expose(), "postgres://u:pw@db/m");

    let error = shown(from_environment(&[("SENANI_MEMBERSHIP__DATABASE_URL__FILE", "/no/such/file")]));
    assert!(
        error.starts_with("variable SENANI_MEMBERSHIP__DATABASE_URL__FILE: secret file /no/such/file: "),
        "{error}"
    );
    std::fs::write(path, "\n").unwrap();
    let error = shown(from_environment(&[("SENANI_MEMBERSHIP__DATABASE_URL__FILE", path)]));
    assert!(error.ends_with("/url is empty"), "{error}");
    let error = shown(from_environment(&[("SENANI_MEMBERSHIP__DATABASE_URL__PATH", path)]));
    assert_eq!(error, "variable SENANI_MEMBERSHIP__DATABASE_URL__PATH is not known; known there: file");
}

#[test]
fn secrets_given_replace_those_of_the_defaults() {
    let config = from_file("[membership.tokens]\n'officers/desk-approver' = 'approver-token'\n").unwrap();
    assert_eq!(config.tokens.keys().collect::<Vec<_>>(), ["officers/desk-approver"]);
    assert_eq!(from_file("[membership]\nexercise = true\n").unwrap().tokens, Config::default().tokens);
}

#[test]
fn a_dump_shows_no_secret_and_can_be_loaded_once_they_are_filled_in() {
    let webhook = Some(Webhook { path: "/hook".to_owned(), secret: "hunter2".into() });
    let config = Config { webhook, limit: Some(3), ..Config::default() };
    let dump = render("membership", &config).unwrap();
    assert!(dump.starts_with("[membership]\n"), "{dump}");
    for secret in ["hunter2", "author-token", "sqlite:"] {
        assert!(!dump.contains(secret) && !format!("{config:?}").contains(secret), "{dump}");
    }
    assert!(from_file(&dump).is_err(), "a mask is no secret");
    let filled = from_file(&dump.replace("***", "x")).unwrap();
    assert_eq!(
        (filled.database_url.expose(), filled.webhook.as_ref().map(|webhook| webhook.secret.expose())),
        ("x", Some("x"))
    );
    assert_eq!(render("membership", &filled).unwrap(), dump);
}

#[test]
fn a_misspelt_section_is_named() {
    let sections = ["membership", "bulletin-board"];
    let file = file("[membership]\n[membreship]\n");
    let error = check_sections(&sections, Some(&file.path), [""; 0]).unwrap_err().to_string();
    assert!(
        error.starts_with("key `membreship` in ")
            && error.ends_with("is not known; known there: membership, bulletin-board"),
        "{error}"
    );
    let error = check_sections(&sections, None, ["PATH", "SENANI_BULETIN__LISTEN"]).unwrap_err();
    assert!(error.to_string().starts_with("variable SENANI_BULETIN__LISTEN is not known"), "{error}");
    check_sections(&sections, None, ["SENANI_LOG", "SENANI_BULLETIN_BOARD__LISTEN", "SENANI_MEMBERSHIP__X"]).unwrap();
}

//! Sealing, indexing and the key file, as membership uses them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use proptest::prelude::*;
use senani_vault::{Context, Keys, KeysError, NumberPlan, OpenError, PhoneNumber, SEALED_LENGTH, Vault};
use uuid::Uuid;

const PLAN: NumberPlan = NumberPlan { exercise: true };

fn vault() -> Vault {
    Vault::new(Keys::generate().expect("the system has random numbers"))
}

fn number(text: &str) -> PhoneNumber {
    PLAN.normalise(text).expect("a number of the exercise range")
}

fn place(row: u128) -> Context<'static> {
    Context::new("members", "phone_sealed", Uuid::from_u128(row))
}

#[test]
fn a_sealed_number_opens_only_at_its_place() {
    let vault = vault();
    let sealed = vault.seal(&number("1061200042"), &place(1));
    assert_eq!(vault.open(&sealed, &place(1)).unwrap().expose(), "+911061200042");
    for elsewhere in [
        place(2),
        Context::new("member", "phone_sealed", Uuid::from_u128(1)),
        Context::new("members", "email_sealed", Uuid::from_u128(1)),
        Context::new("membersphone", "_sealed", Uuid::from_u128(1)),
    ] {
        assert_eq!(vault.open(&sealed, &elsewhere), Err(OpenError::NotAuthentic));
    }
}

#[test]
fn every_altered_bit_is_noticed() {
    let vault = vault();
    let sealed = vault.seal(&number("1061200042"), &place(1));
    for bit in 0..SEALED_LENGTH * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 8 { OpenError::UnknownKey { version: altered[0] } } else { OpenError::NotAuthentic };
        assert_eq!(vault.open(&altered, &place(1)), Err(expected), "bit {bit}");
    }
    assert_eq!(vault.open(&sealed[1..], &place(1)), Err(OpenError::Length { length: SEALED_LENGTH - 1 }));
    assert_eq!(vault.open(&[], &place(1)), Err(OpenError::Length { length: 0 }));
}

#[test]
fn other_keys_neither_open_nor_find() {
    let (ours, theirs) = (vault(), vault());
    let number = number("1061200042");
    assert_eq!(theirs.open(&ours.seal(&number, &place(1)), &place(1)), Err(OpenError::NotAuthentic));
    assert_ne!(ours.blind_index(&number), theirs.blind_index(&number));
}

#[test]
fn one_number_sealed_twice_looks_like_two_and_is_found_as_one() {
    let vault = vault();
    let clone = vault.clone();
    let number = number("1061200042");
    assert_ne!(vault.seal(&number, &place(1)), clone.seal(&number, &place(1)));
    assert_eq!(vault.blind_index(&number), clone.blind_index(&number));
}

#[test]
fn debug_shows_no_key_and_no_number() {
    let keys = Keys::generate().unwrap();
    assert_eq!(format!("{keys:?}"), "Keys { version: 1, .. }");
    assert_eq!(format!("{:?}", Vault::new(keys)), "Vault { key_version: 1, .. }");
}

#[test]
fn the_key_file_is_made_once_and_read_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phone.keys");
    let first = Vault::new(Keys::open_or_create(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");

    let again = Vault::new(Keys::open_or_create(&path).unwrap());
    let number = number("1061200042");
    assert_eq!(again.open(&first.seal(&number, &place(1)), &place(1)), Ok(number.clone()));
    assert_eq!(again.blind_index(&number), first.blind_index(&number));
}

#[test]
fn processes_that_start_together_share_one_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phone.keys");
    let number = number("1061200042");
    let indexes: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Vault::new(Keys::open_or_create(&path).unwrap()).blind_index(&number)))
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(indexes.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_key_file_that_others_can_open_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phone.keys");
    Keys::open_or_create(&path).unwrap();
    for mode in [0o644, 0o604, 0o660, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Keys::open_or_create(&path).unwrap_err();
        assert!(matches!(error, KeysError::Exposed { mode: found, .. } if found == mode), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    Keys::open_or_create(&path).unwrap();
}

#[test]
fn a_broken_or_unreachable_key_file_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phone.keys");
    fs::write(&path, "version = 1\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(Keys::open_or_create(&path), Err(KeysError::Malformed { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "version = 1\n");

    assert!(matches!(Keys::open_or_create(folder.path().join("absent/phone.keys")), Err(KeysError::Create { .. })));
    fs::create_dir(folder.path().join("folder")).unwrap();
    fs::set_permissions(folder.path().join("folder"), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(Keys::open_or_create(folder.path().join("folder")), Err(KeysError::Read { .. })));
}

/// The digits of the national number, spelt as people do: prefix, separators and script.
fn spelling() -> impl Strategy<Value = (String, String)> {
    let national = prop_oneof!["10[0-9]{8}", "[6-9][0-9]{9}"];
    let prefix = prop::sample::select(vec![
        "",
        "0",
        "91",
        "+91",
        "0091",
        "091",
        "+91 0",
        "(+91)-",
        "\u{202A}+91\u{00A0}",
        "＋९१ ",
    ]);
    let separators = prop::collection::vec(
        prop::sample::select(vec!["", "", "", " ", "-", ".", "\u{2011}", "(", ")", "\u{200B}"]),
        10,
    );
    let zero = prop::sample::select(vec!['0', '०', '০', '۰', '０', '𝟬']);
    (national, prefix, separators, zero).prop_map(|(national, prefix, separators, zero)| {
        let spelt = national.bytes().zip(separators).fold(prefix.to_owned(), |mut text, (digit, separator)| {
            text.push(char::from_u32(u32::from(zero) + u32::from(digit - b'0')).expect("a digit"));
            text + separator
        });
        (national, spelt)
    })
}

proptest! {
    #[test]
    fn every_spelling_of_a_number_has_one_index((national, spelt) in spelling()) {
        let vault = vault();
        let number = PLAN.normalise(&spelt).unwrap();
        prop_assert_eq!(number.expose(), format!("+91{national}"));
        prop_assert_eq!(vault.blind_index(&number), vault.blind_index(&PLAN.normalise(&national).unwrap()));
        prop_assert_eq!(vault.open(&vault.seal(&number, &place(9)), &place(9)).unwrap(), number);
    }

    #[test]
    fn any_text_gives_a_valid_number_or_an_error_and_nothing_else(text in any::<String>()) {
        if let Ok(number) = PLAN.normalise(&text) {
            prop_assert_eq!(PLAN.normalise(number.expose()).unwrap(), number);
        }
    }

    #[test]
    fn texts_of_digits_and_marks_give_a_valid_number_or_an_error(text in "[+0-9९०१ ().eE-]{0,24}") {
        if let Ok(number) = PLAN.normalise(&text) {
            let national = &number.expose()[3..];
            prop_assert!(national.len() == 10 && (national.starts_with("10") || national.starts_with(['6', '7', '8', '9'])));
        }
    }

    #[test]
    fn an_error_never_contains_three_digits_of_the_number(digits in "[2-5][0-9]{9}") {
        let error = PLAN.normalise(&digits).unwrap_err();
        let shown = format!("{error} {error:?}");
        prop_assert!(digits.as_bytes().windows(3).all(|part| !shown.contains(std::str::from_utf8(part).unwrap())));
    }
}

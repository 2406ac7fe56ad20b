//! Sealing, indexing and the key file, as membership uses them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use proptest::prelude::*;
use senani_vault::{
    Context, DataKey, IndexKind, Keys, KeysError, NumberPlan, OpenError, PhoneNumber, SEAL_OVERHEAD, Vault,
    WRAPPED_LENGTH, WrappedKey,
};
use uuid::Uuid;

const PLAN: NumberPlan = NumberPlan { exercise: true };

fn vault() -> Vault {
    Vault::new(Keys::generate().expect("the system has random numbers"))
}

fn key() -> DataKey {
    vault().new_key(Uuid::from_u128(1)).0
}

fn number(text: &str) -> PhoneNumber {
    PLAN.normalise(text).expect("a number of the exercise range")
}

fn place(row: u128) -> Context<'static> {
    Context::new("member", "names_sealed", Uuid::from_u128(row))
}

fn open(key: &DataKey, sealed: &[u8], place: &Context<'_>) -> Result<Vec<u8>, OpenError> {
    key.open(sealed, place).map(|value| value.to_vec())
}

#[test]
fn a_sealed_value_opens_only_at_its_place() {
    let key = key();
    for value in ["", "x", "सीता देवी", &"न".repeat(10_000)] {
        let sealed = key.seal(value.as_bytes(), &place(1));
        assert_eq!(sealed.len(), value.len() + SEAL_OVERHEAD);
        assert_eq!(open(&key, &sealed, &place(1)).unwrap(), value.as_bytes());
        for elsewhere in [
            place(2),
            Context::new("members", "names_sealed", Uuid::from_u128(1)),
            Context::new("member", "email_sealed", Uuid::from_u128(1)),
            Context::new("membernames", "_sealed", Uuid::from_u128(1)),
            place(1).part(1),
        ] {
            assert_eq!(open(&key, &sealed, &elsewhere), Err(OpenError::NotAuthentic));
        }
    }
}

#[test]
fn every_altered_bit_of_a_sealed_value_is_noticed() {
    let key = key();
    let sealed = key.seal(b"+911061200042", &place(1));
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 8 { OpenError::UnknownScheme { scheme: altered[0] } } else { OpenError::NotAuthentic };
        assert_eq!(open(&key, &altered, &place(1)), Err(expected), "bit {bit}");
    }
    assert_eq!(open(&key, &sealed[1..], &place(1)), Err(OpenError::UnknownScheme { scheme: sealed[1] }));
    assert_eq!(open(&key, &sealed[..5], &place(1)), Err(OpenError::Length { length: 5 }));
    assert_eq!(open(&key, &[], &place(1)), Err(OpenError::Length { length: 0 }));
}

#[test]
fn a_wrapped_key_opens_only_for_its_member_and_unaltered() {
    let vault = vault();
    let [member, other] = [1, 2].map(Uuid::from_u128);
    let (key, wrapped) = vault.new_key(member);
    let sealed = key.seal(b"x", &place(1));
    assert_eq!((wrapped.version, wrapped.bytes.len()), (1, WRAPPED_LENGTH));
    assert_eq!(open(&vault.unwrap(member, &wrapped).unwrap(), &sealed, &place(1)).unwrap(), b"x");
    assert_eq!(vault.unwrap(other, &wrapped).unwrap_err(), OpenError::NotAuthentic);
    for bit in 0..WRAPPED_LENGTH * 8 {
        let mut altered = wrapped.clone();
        altered.bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(vault.unwrap(member, &altered).unwrap_err(), OpenError::NotAuthentic, "bit {bit}");
    }
    let short = WrappedKey { version: 1, bytes: wrapped.bytes[1..].to_vec() };
    assert_eq!(vault.unwrap(member, &short).unwrap_err(), OpenError::Length { length: WRAPPED_LENGTH - 1 });
    let unknown = WrappedKey { version: 2, ..wrapped };
    assert_eq!(vault.unwrap(member, &unknown).unwrap_err(), OpenError::UnknownKey { version: 2 });
}

#[test]
fn other_keys_neither_open_nor_find() {
    let (ours, theirs) = (vault(), vault());
    let member = Uuid::from_u128(1);
    let (key, wrapped) = ours.new_key(member);
    assert_eq!(theirs.unwrap(member, &wrapped).unwrap_err(), OpenError::NotAuthentic);
    let (second, _) = ours.new_key(member);
    assert_eq!(open(&second, &key.seal(b"x", &place(1)), &place(1)), Err(OpenError::NotAuthentic));
    let number = number("1061200042");
    assert_ne!(ours.phone_index(&number), theirs.phone_index(&number));
    assert_ne!(ours.fingerprint(b"x"), theirs.fingerprint(b"x"));
}

#[test]
fn one_value_sealed_twice_looks_like_two_and_is_found_as_one_of_its_kind() {
    let vault = vault();
    let clone = vault.clone();
    let key = key();
    assert_ne!(key.seal(b"x", &place(1)), key.seal(b"x", &place(1)));
    assert_eq!(vault.blind_index(IndexKind::Phone, b"x"), clone.blind_index(IndexKind::Phone, b"x"));
    let kinds = [IndexKind::Phone, IndexKind::WhatsappUser, IndexKind::Email, IndexKind::Household];
    let indexes: std::collections::HashSet<_> = kinds.iter().map(|kind| vault.blind_index(*kind, b"x")).collect();
    assert_eq!(indexes.len(), kinds.len());
}

#[test]
fn debug_shows_no_key_and_no_number() {
    let keys = Keys::generate().unwrap();
    assert_eq!(format!("{keys:?}"), "Keys { versions: [1], .. }");
    let vault = Vault::new(keys);
    assert_eq!(format!("{vault:?}"), "Vault { versions: [1], .. }");
    let (key, wrapped) = vault.new_key(Uuid::from_u128(1));
    assert_eq!(format!("{key:?} {wrapped:?}"), "DataKey { .. } WrappedKey { version: 1, .. }");
}

#[test]
fn after_a_rotation_old_keys_are_read_and_wrapped_again_by_the_new_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.keys");
    let vault = Vault::open(&path).unwrap();
    let member = Uuid::from_u128(1);
    let (key, wrapped) = vault.new_key(member);
    let sealed = key.seal(b"x", &place(1));

    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(Keys::rotate(&path).unwrap(), 2);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o400, "the mode stays");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
    assert_eq!((vault.newest_version(), vault.versions()), (1, vec![1]));
    assert!(vault.reload().unwrap());
    assert!(!vault.reload().unwrap());
    assert_eq!((vault.newest_version(), vault.versions()), (2, vec![1, 2]));

    let again = vault.rewrap(member, &wrapped).unwrap();
    assert_eq!((wrapped.version, again.version), (1, 2));
    for wrapped in [&wrapped, &again] {
        assert_eq!(open(&vault.unwrap(member, wrapped).unwrap(), &sealed, &place(1)).unwrap(), b"x");
    }
    let forged = WrappedKey { version: 1, bytes: again.bytes.clone() };
    assert_eq!(vault.unwrap(member, &forged).unwrap_err(), OpenError::NotAuthentic);

    for version in [0, 2, 3] {
        assert!(matches!(Keys::drop_version(&path, version), Err(KeysError::NotDroppable { .. })), "{version}");
    }
    Keys::drop_version(&path, 1).unwrap();
    assert!(!vault.reload().unwrap());
    assert_eq!(vault.unwrap(member, &wrapped).unwrap_err(), OpenError::UnknownKey { version: 1 });
    vault.unwrap(member, &again).unwrap();
    assert_eq!(Keys::rotate(&path).unwrap(), 3, "a number is not used again");
}

#[test]
fn a_process_that_has_not_heard_of_a_rotation_reads_the_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.keys");
    let here = Vault::open(&path).unwrap();
    Keys::rotate(&path).unwrap();
    let there = Vault::open(&path).unwrap();
    let member = Uuid::from_u128(1);
    let (_, wrapped) = there.new_key(member);
    assert_eq!(wrapped.version, 2);
    here.unwrap(member, &wrapped).unwrap();
}

#[test]
fn a_change_that_cannot_be_made_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.keys");
    assert!(matches!(Keys::rotate(&path), Err(KeysError::Replace { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "neither a file nor a draft");
    let vault = Vault::open(&path).unwrap();
    let before = fs::read_to_string(&path).unwrap();
    let draft = folder.path().join(".cell.keys.change");
    fs::write(&draft, "").unwrap();
    assert!(matches!(Keys::rotate(&path), Err(KeysError::Busy { .. })));
    fs::remove_file(&draft).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), before);

    let other =
        Keys::open_or_create(folder.path().join("other.keys")).map(|_| folder.path().join("other.keys")).unwrap();
    fs::rename(other, &path).unwrap();
    assert!(matches!(vault.reload(), Err(KeysError::OtherIndexKey { .. })));
    assert_eq!(vault.versions(), [1]);
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
    let member = Uuid::from_u128(1);
    again.unwrap(member, &first.new_key(member).1).unwrap();
    assert_eq!(again.phone_index(&number), first.phone_index(&number));
}

#[test]
fn processes_that_start_together_share_one_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phone.keys");
    let number = number("1061200042");
    let indexes: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| Vault::open(&path).unwrap().phone_index(&number))).collect();
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
    fs::write(&path, "index_key = 1\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(Keys::open_or_create(&path), Err(KeysError::Malformed { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "index_key = 1\n");

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
        prop_assert_eq!(vault.phone_index(&number), vault.phone_index(&PLAN.normalise(&national).unwrap()));
        prop_assert_eq!(PhoneNumber::from_e164(number.expose().as_bytes()).unwrap(), number);
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

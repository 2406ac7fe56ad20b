//! From a row to a person, or to the reason why not.

use senani_order::{Person, Rank};
use senani_unit_tree::UnitTree;
use senani_vault::{NumberPlan, PhoneNumber};
use uuid::Uuid;

use super::vocabulary::{CATEGORIES, Gender, LANGUAGES, POLICE, rank_from_word};
use super::{COLUMNS, Names, RejectedRow, Rejection, Row, RowFault};

/// Characters of a name, or of what names a household, at most.
const NAME_LENGTH: usize = 200;

/// A person who may become a member: everything about them is as documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applicant {
    /// The row's first line in the file.
    pub(crate) line: u64,
    pub(crate) names: Names,
    pub(crate) phone: PhoneNumber,
    pub(crate) unit_id: Uuid,
    pub(crate) category: &'static str,
    /// Set for the police, and only for them.
    pub(crate) rank: Option<Rank>,
    pub(crate) gender: Gender,
    pub(crate) language: &'static str,
    /// Wants to administer the groups of the unit.
    pub(crate) custodian: bool,
    pub(crate) consents: bool,
    /// Where the person lives, within the unit; empty when not given. Never stored.
    pub(crate) household: String,
}

impl Applicant {
    /// What decides in which groups they belong.
    pub(crate) fn person(&self) -> Person {
        Person { police: self.category == POLICE, rank: self.rank, female: self.gender == Gender::Female }
    }
}

/// What rows are read against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Register<'r> {
    pub(crate) tree: &'r UnitTree,
    pub(crate) numbers: NumberPlan,
    /// `YYYY-MM-DD`; units that are not open on it are unknown.
    pub(crate) today: &'r str,
}

/// The person of a row; otherwise the first column that is wrong and why.
pub(crate) fn read_applicant(row: &Row<'_>, register: &Register<'_>) -> Result<Applicant, RejectedRow> {
    let line = row.line;
    let reject = |column, reason| RejectedRow { line, column, reason };
    let [name_hi, name_en, phone, unit, category, rank, gender, language, role, consent, household] =
        row.cells.map_err(|fault| {
            let reason = match fault {
                RowFault::TooLong => Rejection::RowTooLong,
                RowFault::Columns => Rejection::ColumnsWrong,
                RowFault::Text => Rejection::TextBroken,
            };
            reject("", reason)
        })?;
    for (cell, column) in row.cells.iter().flatten().zip(COLUMNS) {
        if is_formula(cell, column) {
            return Err(reject(column, Rejection::FormulaCell));
        }
    }
    let wrong = |column, reason| move || reject(column, reason);

    let name_hi = name(name_hi).filter(|name| !name.is_empty()).ok_or_else(wrong("name_hi", Rejection::NameInvalid))?;
    let mut names = Names::from([("hi".to_owned(), name_hi)]);
    let name_en = name(name_en).ok_or_else(wrong("name_en", Rejection::NameInvalid))?;
    let phone = register.numbers.normalise(phone).map_err(|_| reject("phone", Rejection::PhoneInvalid))?;
    let unit = unit.trim();
    let unit = register
        .tree
        .by_slug(unit.strip_prefix("units/").unwrap_or(unit))
        .filter(|unit| unit.is_open_on(register.today))
        .ok_or_else(wrong("unit", Rejection::UnitUnknown))?;
    let category = known(&CATEGORIES, category).ok_or_else(wrong("category", Rejection::CategoryUnknown))?;
    let police = category == POLICE;
    let rank_word = rank.trim();
    let rank = rank_from_word(rank_word);
    if rank.is_some() != police || (rank.is_none() && !rank_word.is_empty()) {
        return Err(reject("rank", Rejection::RankInvalid));
    }
    let gender = Gender::from_word(gender.trim()).ok_or_else(wrong("gender", Rejection::GenderInvalid))?;
    let language = known(&LANGUAGES, language).ok_or_else(wrong("language", Rejection::LanguageInvalid))?;
    let custodian = match role.trim() {
        "member" => false,
        "custodian" if police => true,
        _ => return Err(reject("role", Rejection::RoleInvalid)),
    };
    let consents = match consent.trim() {
        "yes" => true,
        "no" => false,
        _ => return Err(reject("consent", Rejection::ConsentInvalid)),
    };
    let household = name(household).ok_or_else(wrong("household", Rejection::HouseholdInvalid))?;
    if !name_en.is_empty() {
        names.insert("en".to_owned(), name_en);
    }
    Ok(Applicant {
        line,
        names,
        phone,
        unit_id: unit.id(),
        category,
        rank,
        gender,
        language,
        custodian,
        consents,
        household,
    })
}

/// Whether a spreadsheet that opens an export of this cell would run it. A phone number may begin with `+`: what is not a number
/// behind it is refused as one.
fn is_formula(cell: &str, column: &str) -> bool {
    match cell.as_bytes().first() {
        Some(b'+') => column != "phone",
        Some(b'=' | b'-' | b'@' | b'\t') => true,
        _ => false,
    }
}

pub(super) fn name(cell: &str) -> Option<String> {
    let name = cell.trim();
    let fits = name.chars().count() <= NAME_LENGTH && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

pub(super) fn known(words: &[&'static str], cell: &str) -> Option<&'static str> {
    let cell = cell.trim();
    words.iter().copied().find(|word| *word == cell)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use senani_unit_tree::UnitEntry;

    use super::*;

    const RIGHT: [&str; 11] =
        ["सीता देवी", "Sita Devi", "+91 10612 00042", "units/patna", "teacher", "", "female", "hi", "member", "yes", ""];

    fn tree() -> UnitTree {
        let unit = |id: u128, slug: &str, close_date: Option<&str>| UnitEntry {
            id: Uuid::from_u128(id),
            parent: (id > 1).then(|| Uuid::from_u128(1)),
            kind: 10,
            slug: slug.to_owned(),
            close_date: close_date.map(str::to_owned),
            ..UnitEntry::default()
        };
        UnitTree::build([unit(1, "patna", None), unit(2, "closed-ps", Some("2020-01-01"))]).unwrap()
    }

    fn read(cells: [&str; 11]) -> Result<Applicant, RejectedRow> {
        let tree = tree();
        let register = Register { tree: &tree, numbers: NumberPlan { exercise: true }, today: "2026-01-01" };
        read_applicant(&Row { line: 7, cells: Ok(cells), width: 11 }, &register)
    }

    fn with(changes: &[(usize, &'static str)]) -> [&'static str; 11] {
        let mut cells = RIGHT;
        for (column, value) in changes {
            cells[*column] = value;
        }
        cells
    }

    #[test]
    fn a_right_row_is_a_person_with_a_normalised_number() {
        let applicant = read(RIGHT).unwrap();
        assert_eq!(applicant.phone.expose(), "+911061200042");
        assert_eq!((applicant.line, applicant.unit_id), (7, Uuid::from_u128(1)));
        assert_eq!(applicant.person(), Person { police: false, rank: None, female: true });
        let police = [(3, "patna"), (4, "police"), (5, "sub_inspector"), (8, "custodian"), (9, "no")];
        let officer = read(with(&police)).unwrap();
        assert!(officer.custodian && !officer.consents);
        assert_eq!(officer.rank, Some(Rank::SubInspector));
    }

    #[test]
    fn every_wrong_cell_is_named_with_its_reason() {
        let long: &'static str = Box::leak("न".repeat(201).into_boxed_str());
        for (changes, column, reason) in [
            (&[(0, "")][..], "name_hi", Rejection::NameInvalid),
            (&[(0, "  ")], "name_hi", Rejection::NameInvalid),
            (&[(0, long)], "name_hi", Rejection::NameInvalid),
            (&[(1, "a\u{7}b")], "name_en", Rejection::NameInvalid),
            (&[(2, "")], "phone", Rejection::PhoneInvalid),
            (&[(2, "12345")], "phone", Rejection::PhoneInvalid),
            (&[(2, "+1 415 555 0100")], "phone", Rejection::PhoneInvalid),
            (&[(2, "+cmd|calc")], "phone", Rejection::PhoneInvalid),
            (&[(2, "=1061200042")], "phone", Rejection::FormulaCell),
            (&[(3, "nowhere-ps")], "unit", Rejection::UnitUnknown),
            (&[(3, "closed-ps")], "unit", Rejection::UnitUnknown),
            (&[(3, "")], "unit", Rejection::UnitUnknown),
            (&[(0, "=HYPERLINK(1)")], "name_hi", Rejection::FormulaCell),
            (&[(1, "@SUM(A1)")], "name_en", Rejection::FormulaCell),
            (&[(1, "+1")], "name_en", Rejection::FormulaCell),
            (&[(1, "-1")], "name_en", Rejection::FormulaCell),
            (&[(1, "\tx")], "name_en", Rejection::FormulaCell),
            (&[(4, "astronaut")], "category", Rejection::CategoryUnknown),
            (&[(4, "police")], "rank", Rejection::RankInvalid),
            (&[(5, "constable")], "rank", Rejection::RankInvalid),
            (&[(4, "police"), (5, "admiral")], "rank", Rejection::RankInvalid),
            (&[(5, "admiral")], "rank", Rejection::RankInvalid),
            (&[(6, "f")], "gender", Rejection::GenderInvalid),
            (&[(7, "fr")], "language", Rejection::LanguageInvalid),
            (&[(8, "custodian")], "role", Rejection::RoleInvalid),
            (&[(8, "boss")], "role", Rejection::RoleInvalid),
            (&[(9, "maybe")], "consent", Rejection::ConsentInvalid),
            (&[(10, long)], "household", Rejection::HouseholdInvalid),
            (&[(10, "@SUM(A1)")], "household", Rejection::FormulaCell),
        ] {
            assert_eq!(read(with(changes)), Err(RejectedRow { line: 7, column, reason }), "{changes:?}");
        }
    }

    #[test]
    fn faults_of_the_whole_row_name_no_column() {
        let tree = tree();
        let register = Register { tree: &tree, numbers: NumberPlan::default(), today: "2026-01-01" };
        for (fault, reason) in [
            (RowFault::TooLong, Rejection::RowTooLong),
            (RowFault::Columns, Rejection::ColumnsWrong),
            (RowFault::Text, Rejection::TextBroken),
        ] {
            let found = read_applicant(&Row { line: 3, cells: Err(fault), width: 11 }, &register);
            assert_eq!(found, Err(RejectedRow { line: 3, column: "", reason }));
        }
    }

    proptest! {
        #[test]
        fn a_row_is_a_documented_person_or_rejected(cells in proptest::array::uniform11("[=+@a-z0-9 ,/_\u{900}-\u{910}]{0,12}")) {
            if let Ok(applicant) = read(cells.each_ref().map(String::as_str)) {
                prop_assert!(CATEGORIES.contains(&applicant.category) && LANGUAGES.contains(&applicant.language));
                prop_assert_eq!(applicant.rank.is_some(), applicant.category == POLICE);
                prop_assert!(!applicant.names["hi"].is_empty());
            }
        }
    }
}

//! What a member says of themselves in a call: judged as a whole, every wrong field named.

use senani_order::{Person, Rank};

use super::Names;
use super::applicant::{known, name};
use super::vocabulary::{CATEGORIES, Gender, LANGUAGES, POLICE};

/// A member's names and what decides where they belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) names: Names,
    pub(crate) category: &'static str,
    /// Set for the police, and only for them.
    pub(crate) rank: Option<Rank>,
    pub(crate) gender: Gender,
    pub(crate) language: &'static str,
}

/// A field of a profile that is not as documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ProfileFault {
    Names,
    Category,
    Rank,
    Gender,
    Language,
}

impl ProfileFault {
    /// The field's name in the contract.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Names => "display_names",
            Self::Category => "category",
            Self::Rank => "rank",
            Self::Gender => "gender",
            Self::Language => "language",
        }
    }

    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Names => "needs a name in Hindi, may have one in English, each of at most 200 characters",
            Self::Category => "is not one of the documented categories",
            Self::Rank => "is given for the police, and only for them",
            Self::Gender => "must be female, male or other",
            Self::Language => "is not a language of the cell",
        }
    }
}

/// The words of a profile as a caller gives them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProfileWords<'w> {
    pub(crate) names: &'w Names,
    pub(crate) category: &'w str,
    /// A number of the contract, 0 for none.
    pub(crate) rank: i32,
    pub(crate) gender: &'w str,
    pub(crate) language: &'w str,
}

impl Profile {
    /// The profile that some words make.
    pub(crate) fn read(words: &ProfileWords<'_>) -> Result<Self, Vec<ProfileFault>> {
        let mut faults = Vec::new();
        let named = |language: &str| words.names.get(language).map(String::as_str).unwrap_or_default();
        let name_hi = name(named("hi")).filter(|name| !name.is_empty());
        let name_en = name(named("en"));
        let others = words.names.keys().any(|language| !["hi", "en"].contains(&language.as_str()));
        if name_hi.is_none() || name_en.is_none() || others {
            faults.push(ProfileFault::Names);
        }
        let category = known(&CATEGORIES, words.category);
        if category.is_none() {
            faults.push(ProfileFault::Category);
        }
        let rank = Rank::from_number(words.rank);
        let police = category == Some(POLICE);
        if (rank.is_none() && words.rank != 0) || (category.is_some() && rank.is_some() != police) {
            faults.push(ProfileFault::Rank);
        }
        let gender = Gender::from_word(words.gender.trim());
        if gender.is_none() {
            faults.push(ProfileFault::Gender);
        }
        let language = known(&LANGUAGES, words.language);
        if language.is_none() {
            faults.push(ProfileFault::Language);
        }
        match (name_hi, name_en, category, gender, language) {
            (Some(name_hi), Some(name_en), Some(category), Some(gender), Some(language)) if faults.is_empty() => {
                let mut names = Names::from([("hi".to_owned(), name_hi)]);
                if !name_en.is_empty() {
                    names.insert("en".to_owned(), name_en);
                }
                Ok(Self { names, category, rank, gender, language })
            }
            _ => Err(faults),
        }
    }

    /// What decides in which groups they belong.
    pub(crate) fn person(&self) -> Person {
        Person { police: self.category == POLICE, rank: self.rank, female: self.gender == Gender::Female }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(hi: &str, more: &[(&str, &str)]) -> Names {
        let more = more.iter().map(|(language, name)| ((*language).to_owned(), (*name).to_owned()));
        [("hi".to_owned(), hi.to_owned())].into_iter().chain(more).collect()
    }

    #[test]
    fn a_right_profile_is_trimmed_and_says_where_the_person_belongs() {
        let names = names(" सीता देवी ", &[("en", "Sita Devi")]);
        let words = ProfileWords { names: &names, category: "police", rank: 12, gender: "female", language: "mai" };
        let profile = Profile::read(&words).unwrap();
        assert_eq!((profile.names["hi"].as_str(), profile.names["en"].as_str()), ("सीता देवी", "Sita Devi"));
        assert_eq!(profile.person(), Person { police: true, rank: Some(Rank::Constable), female: true });
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        use ProfileFault::{Category, Gender, Language, Names, Rank};
        let right = names("सीता", &[]);
        let wrong = names("", &[]);
        let foreign = names("सीता", &[("fr", "Sita")]);
        let teacher = ProfileWords { names: &right, category: "teacher", rank: 0, gender: "other", language: "hi" };
        assert!(Profile::read(&teacher).is_ok());
        for (words, faults) in [
            (
                ProfileWords { names: &wrong, category: "", rank: 99, gender: "f", language: "fr" },
                vec![Names, Category, Rank, Gender, Language],
            ),
            (ProfileWords { names: &foreign, ..teacher }, vec![Names]),
            (ProfileWords { category: "police", ..teacher }, vec![Rank]),
            (ProfileWords { rank: 12, ..teacher }, vec![Rank]),
            (ProfileWords { category: "police", rank: 13, ..teacher }, vec![Rank]),
        ] {
            assert_eq!(Profile::read(&words), Err(faults), "{words:?}");
        }
    }
}

//! The words that an import may use.

use senani_order::Rank;

/// What a member can be: the police, and the public as the order of 2018 prefers them, with those whom generators and drills add.
pub const CATEGORIES: [&str; 16] = [
    "police",
    "doctor",
    "farmer",
    "homemaker",
    "journalist",
    "lawyer",
    "legislator",
    "mukhiya",
    "other",
    "retired_government_servant",
    "sarpanch",
    "shopkeeper",
    "social_worker",
    "student",
    "teacher",
    "womens_representative",
];

/// The category of the police.
pub(crate) const POLICE: &str = "police";

/// Languages in which a member can ask for messages (BCP 47): those of the state, and English.
pub(crate) const LANGUAGES: [&str; 6] = ["bho", "en", "hi", "mag", "mai", "ur"];

/// As a member says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Gender {
    Female,
    Male,
    Other,
}

impl Gender {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Female, Self::Male, Self::Other].into_iter().find(|gender| gender.word() == word)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
            Self::Other => "other",
        }
    }
}

/// A rank by its word in CSV files: the contract's name in lower case.
pub(crate) fn rank_from_word(word: &str) -> Option<Rank> {
    Rank::ALL.into_iter().find(|rank| rank_word(*rank) == word)
}

/// The word of a rank in CSV files and slugs (with hyphens there).
pub(crate) fn rank_word(rank: Rank) -> &'static str {
    match rank {
        Rank::DirectorGeneral => "dgp",
        Rank::AdditionalDirectorGeneral => "adg",
        Rank::InspectorGeneral => "ig",
        Rank::DeputyInspectorGeneral => "dig",
        Rank::Superintendent => "sp",
        Rank::AdditionalSuperintendent => "asp",
        Rank::DeputySuperintendent => "dsp",
        Rank::Inspector => "inspector",
        Rank::SubInspector => "sub_inspector",
        Rank::AssistantSubInspector => "assistant_sub_inspector",
        Rank::Havildar => "havildar",
        Rank::Constable => "constable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_has_a_word_of_its_own() {
        for rank in Rank::ALL {
            assert_eq!(rank_from_word(rank_word(rank)), Some(rank));
        }
        assert_eq!(rank_from_word(""), None);
        assert_eq!(rank_from_word("Constable"), None);
    }
}

//! What a unit is, and which kind may stand under which: the second is the state's configuration.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a unit is; the numbers are those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(i32)]
pub enum Kind {
    /// State police headquarters.
    StateHq = 1,
    /// A wing of headquarters.
    Wing = 2,
    /// A regional office of a wing.
    WingRegionalOffice = 3,
    /// A zone.
    Zone = 4,
    /// A range.
    Range = 5,
    /// A police district.
    District = 6,
    /// The police centre of a district.
    DistrictPoliceCentre = 7,
    /// A police subdivision.
    Subdivision = 8,
    /// A circle.
    Circle = 9,
    /// A police station.
    Station = 10,
    /// An assistant police station.
    AssistantStation = 11,
    /// An outpost.
    Outpost = 12,
    /// A battalion.
    Battalion = 13,
}

impl Kind {
    /// Every kind with its name in files.
    pub const ALL: [(Self, &'static str); 13] = [
        (Self::StateHq, "state_hq"),
        (Self::Wing, "wing"),
        (Self::WingRegionalOffice, "wing_regional_office"),
        (Self::Zone, "zone"),
        (Self::Range, "range"),
        (Self::District, "district"),
        (Self::DistrictPoliceCentre, "district_police_centre"),
        (Self::Subdivision, "subdivision"),
        (Self::Circle, "circle"),
        (Self::Station, "station"),
        (Self::AssistantStation, "assistant_station"),
        (Self::Outpost, "outpost"),
        (Self::Battalion, "battalion"),
    ];

    /// The kind with this number of the contract.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().find(|(kind, _)| *kind as i32 == number).map(|(kind, _)| *kind)
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// The name in files, e.g. `station`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// Which kind may stand under which.
#[derive(Debug, Clone)]
pub struct KindRules {
    under: BTreeMap<Kind, Vec<Kind>>,
}

/// A `kinds.toml` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KindRulesError {
    /// Not the documented form.
    #[error("the kinds cannot be read: {0}")]
    Unreadable(#[from] toml::de::Error),
    /// There must be exactly one kind that stands under none: the root.
    #[error("exactly one kind must stand under none, found {0}")]
    Roots(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindsFile {
    kind: Vec<KindEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindEntry {
    kind: Kind,
    under: Vec<Kind>,
}

impl KindRules {
    /// Reads `kinds.toml`: `[[kind]]` tables with `kind` and the kinds `under` which it may stand; the root's list is empty.
    ///
    /// # Errors
    /// [`KindRulesError`].
    pub fn parse(text: &str) -> Result<Self, KindRulesError> {
        let file: KindsFile = toml::from_str(text)?;
        let under: BTreeMap<Kind, Vec<Kind>> = file.kind.into_iter().map(|entry| (entry.kind, entry.under)).collect();
        let roots = under.values().filter(|under| under.is_empty()).count();
        if roots == 1 { Ok(Self { under }) } else { Err(KindRulesError::Roots(roots)) }
    }

    /// Whether `kind` may stand under `parent`, or at the top when there is none.
    pub fn allows(&self, kind: Kind, parent: Option<Kind>) -> bool {
        match (self.under.get(&kind), parent) {
            (Some(under), Some(parent)) => under.contains(&parent),
            (Some(under), None) => under.is_empty(),
            (None, _) => false,
        }
    }

    /// The kinds under which `kind` may stand.
    pub fn allowed_parents(&self, kind: Kind) -> &[Kind] {
        self.under.get(&kind).map_or(&[], Vec::as_slice)
    }
}

//! Resource names as types: no bare string crosses a module. A readable name is `collection/{slug}`, any other `collection/{uid}`.

use std::fmt;

use uuid::Uuid;

/// A name that is not of the documented form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name must be `{collection}/…`: {what}")]
pub struct NameError {
    /// The collection that was expected.
    pub collection: &'static str,
    /// What is wrong.
    pub what: &'static str,
}

/// A slug: 3 to 63 characters of a–z, 0–9 and single hyphens, not at either end. Chosen by its creator, never changed or parsed.
pub fn is_slug(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

macro_rules! slug_name {
    ($type:ident, $collection:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The collection in front of the slash.
            pub const COLLECTION: &'static str = $collection;

            /// A name from its slug; `None` when the slug is not of the documented form.
            pub fn from_slug(slug: &str) -> Option<Self> {
                is_slug(slug).then(|| Self(slug.to_owned()))
            }

            /// What stands behind the slash.
            pub fn slug(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let slug = text
                    .strip_prefix(concat!($collection, "/"))
                    .ok_or(NameError { collection: $collection, what: "another collection" })?;
                Self::from_slug(slug).ok_or(NameError {
                    collection: $collection,
                    what: "a slug has 3 to 63 characters of a–z, 0–9 and single hyphens",
                })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!($collection, "/{}"), self.0)
            }
        }
    };
}

macro_rules! uid_name {
    ($type:ident, $collection:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub Uuid);

        impl $type {
            /// The collection in front of the slash.
            pub const COLLECTION: &'static str = $collection;
        }

        impl std::str::FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let uid = text
                    .strip_prefix(concat!($collection, "/"))
                    .ok_or(NameError { collection: $collection, what: "another collection" })?;
                uid.parse().map(Self).map_err(|_| NameError { collection: $collection, what: "not a UUID" })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!($collection, "/{}"), self.0)
            }
        }
    };
}

macro_rules! child_name {
    ($type:ident, $collection:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type {
            /// The bulletin in front.
            pub bulletin: Uuid,
            /// What stands behind the last slash.
            pub uid: Uuid,
        }

        impl std::str::FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let wrong = |what| NameError { collection: concat!("bulletins/{uid}/", $collection), what };
                let rest = text.strip_prefix("bulletins/").ok_or(wrong("another collection"))?;
                let (bulletin, uid) =
                    rest.split_once(concat!("/", $collection, "/")).ok_or(wrong("another collection"))?;
                let uuid = |text: &str| text.parse::<Uuid>().map_err(|_| wrong("not a UUID"));
                Ok(Self { bulletin: uuid(bulletin)?, uid: uuid(uid)? })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!("bulletins/{}/", $collection, "/{}"), self.bulletin, self.uid)
            }
        }
    };
}

slug_name!(UnitName, "units", "`units/{slug}`.");
slug_name!(UnitSetName, "unitSets", "`unitSets/{slug}`.");
slug_name!(OrderName, "orders", "`orders/{slug}`.");
slug_name!(GroupName, "groups", "`groups/{slug}`.");
slug_name!(NoticeName, "notices", "`notices/{slug}`.");
uid_name!(MemberName, "members", "`members/{uid}`.");
uid_name!(AppointmentName, "appointments", "`appointments/{uid}`.");
uid_name!(TransferName, "transfers", "`transfers/{uid}`.");
uid_name!(BulletinName, "bulletins", "`bulletins/{uid}`.");
uid_name!(ReportName, "reports", "`reports/{uid}`.");
uid_name!(IncidentName, "incidents", "`incidents/{uid}`.");
uid_name!(ImportName, "memberImports", "`memberImports/{import_id}`.");
child_name!(TaskName, "tasks", "`bulletins/{uid}/tasks/{uid}`.");
child_name!(DeliveryName, "deliveries", "`bulletins/{uid}/deliveries/{uid}`.");
child_name!(PublicationName, "publications", "`bulletins/{uid}/publications/{uid}`.");

/// `groups/{slug}/reconciliations/{uid}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReconciliationName {
    /// The group in front.
    pub group: GroupName,
    /// What stands behind the last slash.
    pub uid: Uuid,
}

impl std::str::FromStr for ReconciliationName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = |what| NameError { collection: "groups/{slug}/reconciliations", what };
        let (group, uid) = text.split_once("/reconciliations/").ok_or(wrong("another collection"))?;
        let uid = uid.parse().map_err(|_| wrong("not a UUID"))?;
        Ok(Self { group: group.parse()?, uid })
    }
}

impl fmt::Display for ReconciliationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/reconciliations/{}", self.group, self.uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_the_way_out_and_in() {
        let unit: UnitName = "units/patna-kotwali-ps".parse().expect("a unit");
        assert_eq!(unit.to_string(), "units/patna-kotwali-ps");
        let task = TaskName { bulletin: Uuid::nil(), uid: Uuid::max() };
        assert_eq!(task.to_string().parse::<TaskName>().expect("a task"), task);
        let group = GroupName::from_slug("gaya-ps-community").expect("a slug");
        let reconciliation = ReconciliationName { group, uid: Uuid::max() };
        assert_eq!(reconciliation.to_string().parse::<ReconciliationName>().expect("a reconciliation"), reconciliation);
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for text in ["", "units/", "units/ab", "units/A-b", "units/a--b", "units/-ab", "groups/abc", "units/a/b/c"] {
            assert!(text.parse::<UnitName>().is_err(), "{text}");
        }
        assert!("members/7".parse::<MemberName>().is_err());
        assert!("bulletins/7/tasks/8".parse::<TaskName>().is_err());
    }
}

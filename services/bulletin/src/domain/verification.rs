//! What anybody may know of a bulletin: how it stands, and what was signed.

use uuid::Uuid;

use super::Micros;
use super::bulletin::Bulletin;
use super::code::Code;

/// A bulletin with a code, as strangers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) bulletin: Bulletin,
    pub(crate) code: Code,
    /// 64 bytes.
    pub(crate) signature: Vec<u8>,
    /// Which key it was signed with.
    pub(crate) key_id: String,
    /// What is corrected, withdrawn or over.
    pub(crate) fate: Fate,
}

/// What became of a bulletin. The desk writes it; nothing here does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// It is an exercise.
    pub(crate) exercise: bool,
    /// From when on it holds no more by itself; 0 for never.
    pub(crate) expires_at: Micros,
    /// Since when it is withdrawn; 0 for never.
    pub(crate) withdrawn_at: Micros,
    /// The bulletin that it corrects.
    pub(crate) corrects: Option<Reference>,
    /// The bulletin that corrects it.
    pub(crate) corrected_by: Option<Reference>,
}

/// Another bulletin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) id: Uuid,
    pub(crate) number: String,
    pub(crate) code: Code,
    pub(crate) published_at: Micros,
    /// Whether it is in the public feeds.
    pub(crate) public: bool,
}

/// How a bulletin stands. The numbers are those of `senani.bulletin.v1.VerifyResponse.Standing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Unknown = 1,
    Genuine = 2,
    Corrected = 3,
    Withdrawn = 4,
    Expired = 5,
}

impl Standing {
    /// Its number in the contract.
    pub(crate) fn code(self) -> i32 {
        self as i32
    }

    /// As the contract writes it, without its prefix, in lower case.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Genuine => "genuine",
            Self::Corrected => "corrected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }

    /// The standing of a bulletin at a moment. The most that can be said against it counts.
    pub(crate) fn of(fate: &Fate, now: Micros) -> Self {
        if fate.withdrawn_at != 0 {
            Self::Withdrawn
        } else if fate.corrected_by.is_some() {
            Self::Corrected
        } else if fate.expires_at != 0 && fate.expires_at <= now {
            Self::Expired
        } else {
            Self::Genuine
        }
    }
}

/// The text that is signed. Its form never changes: signatures are checked by whoever reads them years later.
pub(crate) fn signed_text(code: Code, number: &str, poster_sha256: &str) -> String {
    format!("senani bulletin, 1\ncode={}\nnumber={number}\nposter={poster_sha256}\n", code.plain())
}

impl Signed {
    /// The text that its signature is of.
    pub(crate) fn text(&self) -> String {
        let poster = self.bulletin.poster.as_ref().map_or("", |poster| poster.sha256.as_str());
        signed_text(self.code, &self.bulletin.number, poster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulletin_stands_by_the_worst_that_became_of_it() {
        let reference = Reference {
            id: Uuid::nil(),
            number: "EOU/2026/0002".to_owned(),
            code: Code::of(2),
            published_at: 5,
            public: true,
        };
        let mut fate = Fate { expires_at: 10, ..Fate::default() };
        assert_eq!(Standing::of(&Fate::default(), i64::MAX), Standing::Genuine);
        assert_eq!((Standing::of(&fate, 9), Standing::of(&fate, 10)), (Standing::Genuine, Standing::Expired));
        fate.corrected_by = Some(reference);
        assert_eq!(Standing::of(&fate, 10), Standing::Corrected);
        fate.withdrawn_at = 7;
        assert_eq!(Standing::of(&fate, 10), Standing::Withdrawn);
    }

    #[test]
    fn the_signed_text_has_one_form() {
        assert_eq!(
            signed_text(Code::of(0), "EOU/2026/0142", "ab"),
            "senani bulletin, 1\ncode=000000000000\nnumber=EOU/2026/0142\nposter=ab\n"
        );
    }
}

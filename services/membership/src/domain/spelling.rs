//! The one spelling in which an identifier is kept and found, and what of it anybody may see.

use senani_vault::NumberPlan;
use uuid::Uuid;

use super::IdentifierKind;

impl IdentifierKind {
    /// What of a value anybody may see.
    pub(crate) fn masked(self, value: &str) -> String {
        match self {
            Self::Phone => format!("+91 ••••••{}", last(value)),
            Self::WhatsappUser => format!("••••••{}", last(value)),
            Self::Email => {
                let (user, domain) = value.split_once('@').unwrap_or((value, ""));
                let first: String = user.chars().take(1).collect();
                format!("{first}•••@{domain}")
            }
        }
    }
}

/// An identifier of a member with the time for which it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedIdentifier {
    /// Under whom it is recorded.
    pub(crate) member: Uuid,
    pub(crate) kind: IdentifierKind,
    /// What anybody may see of it.
    pub(crate) masked: String,
    /// Microseconds since the epoch.
    pub(crate) valid_from: i64,
    /// Microseconds since the epoch; 0 for a present one.
    pub(crate) valid_to: i64,
}

/// The last four characters.
fn last(value: &str) -> &str {
    value.char_indices().rev().nth(3).map_or(value, |(at, _)| &value[at..])
}

/// Bytes of an e-mail address at most (RFC 5321).
const EMAIL_LENGTH: usize = 254;
/// Characters of a WhatsApp user id at most.
const WHATSAPP_LENGTH: usize = 128;

/// A value in the one spelling in which it is kept and found; `None` when it is not of its kind.
pub(crate) fn normalised(kind: IdentifierKind, value: &str, numbers: NumberPlan) -> Option<String> {
    let value = value.trim();
    match kind {
        IdentifierKind::Phone => numbers.normalise(value).ok().map(|number| number.expose().to_owned()),
        IdentifierKind::WhatsappUser => {
            let fits = (1..=WHATSAPP_LENGTH).contains(&value.len())
                && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            fits.then(|| value.to_owned())
        }
        IdentifierKind::Email => {
            let value = value.to_lowercase();
            let (user, domain) = value.split_once('@')?;
            let plain = |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control());
            let labels = domain
                .split('.')
                .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'));
            let fits = value.len() <= EMAIL_LENGTH && plain(user) && domain.contains('.') && labels;
            fits.then_some(value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: NumberPlan = NumberPlan { exercise: true };

    #[test]
    fn one_address_has_one_spelling() {
        let email = |value| normalised(IdentifierKind::Email, value, PLAN);
        assert_eq!(email(" Sita.Devi@Example.ORG "), Some("sita.devi@example.org".to_owned()));
        for wrong in
            ["", "sita", "sita@", "@example.org", "sita@org", "si ta@example.org", "a@b@example.org", "a@ex..org"]
        {
            assert_eq!(email(wrong), None, "{wrong}");
        }
        assert_eq!(email(&format!("{}@example.org", "a".repeat(250))), None);
        let user = |value| normalised(IdentifierKind::WhatsappUser, value, PLAN);
        assert_eq!(user("IN.1234567890"), Some("IN.1234567890".to_owned()));
        assert_eq!((user(""), user("a b"), user(&"1".repeat(129))), (None, None, None));
    }

    #[test]
    fn a_mask_hides_all_but_what_a_holder_knows_again() {
        assert_eq!(IdentifierKind::Email.masked("sita.devi@example.org"), "s•••@example.org");
        assert_eq!(IdentifierKind::WhatsappUser.masked("IN.1234567890"), "••••••7890");
        let number = PLAN.normalise("1000000042").unwrap();
        assert_eq!(IdentifierKind::Phone.masked(number.expose()), number.masked());
    }
}

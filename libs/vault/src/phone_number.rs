//! A phone number in its shell.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The country code of India.
pub(crate) const COUNTRY: &str = "+91";
/// Digits of an Indian national number: area code and subscriber, or a mobile number.
pub(crate) const NATIONAL_DIGITS: usize = 10;
/// Bytes of a number in E.164: `+91` and ten digits. Always the same, so that a sealed number's length tells nothing.
pub(crate) const LENGTH: usize = COUNTRY.len() + NATIONAL_DIGITS;

/// An Indian phone number in E.164 (`+91` and ten digits), made by [`NumberPlan::normalise`](crate::NumberPlan::normalise)
/// or, from what was sealed, [`PhoneNumber::from_e164`].
///
/// It has no `Display` and no serialisation, its `Debug` is masked, it compares in constant time, and its memory is
/// wiped when it is dropped (it lies on the heap, so that a move leaves no copy behind).
#[derive(Clone)]
pub struct PhoneNumber(Zeroizing<Box<str>>);

impl PhoneNumber {
    /// From the ten ASCII digits of a national number.
    pub(crate) fn from_national(digits: &[u8; NATIONAL_DIGITS]) -> Self {
        let mut number = String::with_capacity(LENGTH);
        number.push_str(COUNTRY);
        number.extend(digits.iter().copied().map(char::from));
        Self(Zeroizing::new(number.into_boxed_str()))
    }

    /// From what [`PhoneNumber::expose`] gave; `None` for anything else.
    #[must_use]
    pub fn from_e164(bytes: &[u8]) -> Option<Self> {
        let national: &[u8; NATIONAL_DIGITS] = bytes.strip_prefix(COUNTRY.as_bytes())?.try_into().ok()?;
        national.iter().all(u8::is_ascii_digit).then(|| Self::from_national(national))
    }

    /// The number itself, `+91` and ten digits: for the provider's call and for nothing that is written down.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What an officer may see: country code and the last four digits, `+91 ••••••0042`.
    #[must_use]
    pub fn masked(&self) -> String {
        let (_, last) = self.0.split_at(LENGTH - 4);
        format!("{COUNTRY} ••••••{last}")
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PhoneNumber({})", self.masked())
    }
}

impl PartialEq for PhoneNumber {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for PhoneNumber {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_mask_show_four_digits_only() {
        let number = PhoneNumber::from_national(b"1061200042");
        assert_eq!(number.masked(), "+91 ••••••0042");
        assert_eq!(format!("{number:?}"), "PhoneNumber(+91 ••••••0042)");
        assert_eq!(number.expose(), "+911061200042");
    }

    #[test]
    fn only_indian_e164_comes_back() {
        assert!(PhoneNumber::from_e164(b"+911061200042").is_some());
        for wrong in
            [&b""[..], b"+91", b"+91106120004", b"+9110612000420", b"+92106120004x", b"+91106120004x", b"911061200042+"]
        {
            assert!(PhoneNumber::from_e164(wrong).is_none());
        }
    }
}

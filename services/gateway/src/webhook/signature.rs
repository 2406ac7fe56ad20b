//! `X-Hub-Signature-256`: whose bytes these are.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit as _, Mac as _};
use senani_config::Secret;
use sha2::Sha256;

const HEADER: &str = "x-hub-signature-256";
const SCHEME: &str = "sha256=";

/// A signature that a request shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature([u8; 32]);

impl Signature {
    /// The signature in the headers: `sha256=` and the digest in hexadecimal. None when it is missing or malformed.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let digits = headers.get(HEADER)?.to_str().ok()?.strip_prefix(SCHEME)?;
        let mut digest = [0; 32];
        hex::decode_to_slice(digits, &mut digest).ok()?;
        Some(Self(digest))
    }

    /// Whether one of the secrets, of which empty ones do not count, signs exactly these bytes so. Compares in constant time.
    pub(super) fn is_by<'secret>(self, secrets: impl IntoIterator<Item = &'secret Secret>, body: &[u8]) -> bool {
        secrets.into_iter().filter(|secret| !secret.is_empty()).any(|secret| {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes keys of any length");
            mac.update(body);
            mac.verify_slice(&self.0).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// The vector of reference/whatsapp-cloud-api.md (invented secret).
    const BODY: &str = concat!(
        r#"{"object":"whatsapp_business_account","entry":[{"id":"0","changes":[{"field":"messages","value":"#,
        r#"{"messaging_product":"whatsapp","metadata":{"display_phone_number":"911200000000","phone_number_id":"1"},"#,
        r#""statuses":[{"id":"wamid.TEST","status":"delivered","timestamp":"1700000000","recipient_id":"919900000001"}]}}]}]}"#,
    );
    const SIGNATURE: &str = "sha256=e3b1b6386ce23d170140d391f3617575bd4e4ce39d1fecfc22b40916d1a23e77";

    fn read(value: &str) -> Option<Signature> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(value).unwrap());
        Signature::read(&headers)
    }

    #[test]
    fn the_published_vector_is_verified_with_the_secret_or_the_one_before_it() {
        let signature = read(SIGNATURE).unwrap();
        let (secret, other, none) = (Secret::from("test-app-secret"), Secret::from("another"), Secret::default());
        assert!(signature.is_by([&secret, &none], BODY.as_bytes()));
        assert!(signature.is_by([&other, &secret], BODY.as_bytes()));
        assert!(!signature.is_by([&other, &none], BODY.as_bytes()));
        assert!(!signature.is_by([&secret], format!("{BODY}\n").as_bytes()));
    }

    #[test]
    fn no_secret_signs_nothing() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        mac.update(b"{}");
        let forged = Signature(mac.finalize().into_bytes().into());
        assert!(!forged.is_by([&Secret::default(), &Secret::default()], b"{}"));
    }

    #[test]
    fn anything_but_a_digest_in_hexadecimal_is_no_signature() {
        for value in
            ["", "sha256=", &SIGNATURE[..70], &format!("{SIGNATURE}0"), &SIGNATURE[7..], "sha1=00", "sha256=zz"]
        {
            assert_eq!(read(value), None, "{value}");
        }
        assert_eq!(Signature::read(&HeaderMap::new()), None);
    }
}

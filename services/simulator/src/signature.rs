//! `X-Hub-Signature-256`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header's name, in lower case.
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// The header's value for this body: `sha256=` and 64 lower-case hexadecimal digits of HMAC-SHA256 over the exact bytes.
#[must_use]
pub fn sign(app_secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    let mut value = String::with_capacity(71);
    value.push_str("sha256=");
    value.push_str(&hex::encode(mac.finalize().into_bytes()));
    value
}

#[cfg(test)]
mod tests {
    /// The vector of reference/whatsapp-cloud-api.md (invented secret).
    #[test]
    fn the_published_vector_is_reproduced() {
        let body = concat!(
            r#"{"object":"whatsapp_business_account","entry":[{"id":"0","changes":[{"field":"messages","value":"#,
            r#"{"messaging_product":"whatsapp","metadata":{"display_phone_number":"911200000000","phone_number_id":"1"},"#,
            r#""statuses":[{"id":"wamid.TEST","status":"delivered","timestamp":"1700000000","recipient_id":"919900000001"}]}}]}]}"#,
        );
        assert_eq!(body.len(), 315);
        assert_eq!(
            super::sign("test-app-secret", body.as_bytes()),
            "sha256=e3b1b6386ce23d170140d391f3617575bd4e4ce39d1fecfc22b40916d1a23e77",
        );
    }
}

//! The same answers for programs.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use time::UtcOffset;

use super::moment;
use crate::domain::Micros;
use crate::domain::code::Code;
use crate::domain::verification::{Signed, Standing};
use crate::signing::PublicKey;

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/json";

/// What `VerifyResponse` says, with the names that it has in JSON.
pub(crate) fn verification(
    signed: &Signed,
    names: &BTreeMap<String, String>,
    now: Micros,
    offset: UtcOffset,
) -> String {
    let bulletin = &signed.bulletin;
    let standing = Standing::of(&signed.fate, now);
    let by = signed.fate.corrected_by.as_ref();
    // Of what is withdrawn the headline is not repeated: it may name somebody.
    let headlines = if standing == Standing::Withdrawn { &BTreeMap::new() } else { &bulletin.headlines };
    json!({
        "standing": name(standing),
        "code": signed.code.to_string(),
        "number": bulletin.number,
        "headlines": headlines,
        "issuingUnit": format!("units/{}", bulletin.issuing_unit.slug),
        "issuingUnitDisplayNames": names,
        "approveTime": moment(bulletin.approved_at, offset),
        "publishTime": (bulletin.published_at != 0).then(|| moment(bulletin.published_at, offset)),
        "posterSha256": bulletin.poster.as_ref().map_or("", |poster| poster.sha256.as_str()),
        "correctedByNumber": by.map_or("", |by| by.number.as_str()),
        "correctedByCode": by.map_or(String::new(), |by| by.code.to_string()),
        "exercise": signed.fate.exercise,
        "signedText": signed.text(),
        "signature": BASE64_STANDARD.encode(&signed.signature),
        "keyId": signed.key_id,
    })
    .to_string()
}

/// The answer to a code that nobody has given out; `None` for what is no code.
pub(crate) fn unknown(code: Option<Code>) -> String {
    json!({ "standing": name(Standing::Unknown), "code": code.map_or(String::new(), |code| code.to_string()) })
        .to_string()
}

/// The public keys as a set of JSON Web Keys (RFC 7517, RFC 8037).
pub(crate) fn keys(keys: &[PublicKey]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            json!({
                "kid": key.id,
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "use": "sig",
                "x": BASE64_URL_SAFE_NO_PAD.encode(key.bytes),
            })
        })
        .collect();
    json!({ "keys": keys }).to_string()
}

fn name(standing: Standing) -> String {
    format!("STANDING_{}", standing.name().to_ascii_uppercase())
}

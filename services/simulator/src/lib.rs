//! A WhatsApp Cloud API that runs on this machine: limits, receipts and faults as documented.
//!
//! It accepts messages for exercise numbers only (91 and ten digits that begin with 10, which nobody can own), answers
//! in the documented shapes, and posts signed receipts to a webhook: some failed, some twice, some in the wrong order.
//! What becomes of a message is decided by the seed and its callback data, so that two runs agree. Its own record, the
//! witness, counts every accepted send by its callback data: a test judges exactly-once by it, not by our database.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v24.0/{phone_number_id}/messages` | text, image, template; 200 with a `wamid`, or a documented error |
//! | `POST /v24.0/{phone_number_id}/media` | form with `messaging_product` and `file`; `{"id"}` |
//! | `GET`, `DELETE /v24.0/{media_id}` | description with an address of the bytes; `{"success":true}` |
//! | `GET /media/{media_id}?oe&oh` | the bytes, for five minutes after the description |
//! | `GET /witness` | [`Testimony`] |
//! | `GET /witness/sends?format=ndjson` | one [`SendLine`] for each callback data |
//!
//! Limits of the provider:
//!
//! | limit | now |
//! |---|---|
//! | token (190), sender and media ids (100/33), required members (131008), values (131009, 100), type (131051) | enforced |
//! | text 4,096, caption 1,024, parameters of a template's body 1,024 characters; callback data 512 bytes | enforced |
//! | image PNG or JPEG, at most 5 MB (100, 131053); address of its bytes 5 minutes; unknown media id (131053) | enforced |
//! | name and language of a template are well formed (132001) | enforced |
//! | recipient: exercise numbers only (131030) | enforced |
//! | webhook: signed, at most 1,000 receipts, repeated until taken, no order | enforced |
//! | throughput 80 or 1,000 a second (130429, 131057) | later; by [`Faults`] only |
//! | pair limit 1 in 6 seconds, burst 45 (131056) | later |
//! | tier of the portfolio: unique persons in 24 hours (131048), marketing cap (131049) | later; 131049 by [`Outcomes`] only |
//! | service window of 24 hours for text and image (131047) | later |
//! | templates known, approved, with the right parameters (132000, 132012, 132015), pacing, quality, categories | later |
//! | media expire after 30 days | later |
//! | inbound messages, groups, template management | later |
//!
//! Limits on messages belong into `Provider::admit`, before a message is recorded.

mod app;
mod config;
mod draw;
mod fault;
mod media;
mod message;
mod multipart;
mod plan;
mod provider;
mod recipient;
mod record;
mod refusal;
mod routes;
mod sends;
mod signature;
mod webhook;
mod wheel;
mod witness;

use std::io;

pub use app::{App, Handle};
pub use config::{Config, Delays, Failure, MAX_WEBHOOK_BATCH, Outcomes, Span, Webhook};
pub use fault::Faults;
pub use signature::{SIGNATURE_HEADER, sign};
pub use witness::{FaultCounts, OutcomeCounts, ReceiptCounts, SendCounts, SendLine, Testimony, WebhookCounts};

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value of the configuration cannot work.
    #[error("simulator: {field} {reason}")]
    Config {
        /// Which one.
        field: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// The address is taken or not ours.
    #[error("simulator cannot listen")]
    Bind(#[source] io::Error),
    /// What an earlier simulator kept cannot be read or continued.
    #[error("simulator cannot go on from its kept {what}")]
    Record {
        /// `witness` or `media`.
        what: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

//! The body of a webhook: its documented shape, read without copying.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use uuid::Uuid;

use crate::domain::Micros;
use crate::domain::receipt::{Evidence, Receipt};

/// What a body says.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// Evidence by delivery.
    pub(super) evidence: BTreeMap<Uuid, Evidence>,
    /// Receipts, those that were merged counted each.
    pub(super) count: u64,
    /// Receipts without a delivery of ours: status and time.
    pub(super) foreign: Vec<(String, Micros)>,
}

#[derive(Deserialize)]
struct Webhook<'a> {
    #[serde(borrow, default)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    changes: Vec<Change<'a>>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow, default)]
    value: Value<'a>,
}

#[derive(Deserialize, Default)]
struct Value<'a> {
    #[serde(borrow, default)]
    statuses: Vec<Status<'a>>,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    timestamp: Cow<'a, str>,
    #[serde(borrow, default)]
    biz_opaque_callback_data: Cow<'a, str>,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    code: u32,
}

impl Receipts {
    /// Adds what a body says. Fields that are not ours to know (recipients, prices) are passed over.
    ///
    /// # Errors
    /// It is not the documented JSON.
    pub(super) fn read(&mut self, body: &[u8]) -> Result<(), serde_json::Error> {
        let webhook: Webhook<'_> = serde_json::from_slice(body)?;
        let values = webhook.entry.into_iter().flat_map(|entry| entry.changes).map(|change| change.value);
        for status in values.flat_map(|value| value.statuses) {
            self.add(&status);
        }
        Ok(())
    }

    fn add(&mut self, status: &Status<'_>) {
        let receipt = match status.status.as_ref() {
            "sent" => Receipt::Sent,
            "delivered" => Receipt::Delivered,
            // A voice message that was played was seen.
            "read" | "played" => Receipt::Read,
            "failed" => Receipt::Failed(status.errors.first().map_or("0".to_owned(), |fault| fault.code.to_string())),
            // A kind that is new since this was written proves nothing that we know.
            _ => return,
        };
        let at = status.timestamp.parse::<i64>().unwrap_or(0).saturating_mul(1_000_000);
        self.count += 1;
        match status.biz_opaque_callback_data.parse() {
            Ok(delivery) => {
                self.evidence.entry(delivery).or_default().merge(Evidence::of(receipt, at, &status.id));
            }
            Err(_) => self.foreign.push((status.status.clone().into_owned(), at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(statuses: &str) -> String {
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{
            "messaging_product":"whatsapp","metadata":{{"display_phone_number":"911200000000","phone_number_id":"1"}},
            "statuses":[{statuses}]}}}}]}}]}}"#
        )
    }

    #[test]
    fn statuses_are_merged_by_delivery_and_foreign_ones_counted() {
        let delivery = "0192f3a4-5b6c-7d8e-9f01-000000000001";
        let status = |kind: &str, callback: &str, more: &str| {
            format!(
                r#"{{"id":"wamid.1","status":"{kind}","timestamp":"1750263773","recipient_id":"911000000001",
                "biz_opaque_callback_data":"{callback}"{more}}}"#
            )
        };
        let text = body(
            &[
                status("sent", delivery, ""),
                status("failed", delivery, r#","errors":[{"code":131026,"title":"x"}]"#),
                status("delivered", "run=1", ""),
                status("pondered", delivery, ""),
            ]
            .join(","),
        );
        let mut receipts = Receipts::default();
        receipts.read(text.as_bytes()).unwrap();
        assert_eq!((receipts.count, receipts.foreign.len(), receipts.evidence.len()), (3, 1, 1));
        let mut expected = Evidence::of(Receipt::Sent, 1_750_263_773_000_000, "wamid.1");
        expected.merge(Evidence::of(Receipt::Failed("131026".to_owned()), 1_750_263_773_000_000, "wamid.1"));
        assert_eq!(receipts.evidence[&delivery.parse().unwrap()], expected);
    }

    #[test]
    fn other_webhooks_say_nothing_and_broken_ones_are_refused() {
        let mut receipts = Receipts::default();
        let other =
            r#"{"object":"x","entry":[{"id":"1","changes":[{"field":"account_alerts","value":{"entity_id":"1"}}]}]}"#;
        receipts.read(other.as_bytes()).unwrap();
        assert_eq!(receipts.count, 0);
        assert!(receipts.read(b"{\"entry\":[{]").is_err());
    }
}

//! Messages from the inbox into reports: who sent them, whose unit they go to, what they answer.

use std::time::Duration;

use senani_store::Timestamp;
use senani_unit_replica::UnitReplica;
use senani_vault::{IndexKind, Vault};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use uuid::Uuid;

use super::bells::Bells;
use super::{messages, pause, within};
use crate::config::ReportConfig;
use crate::domain::report::inbound::InboundSender;
use crate::error::Error;
use crate::register::Register;
use crate::sender::Identified;
use crate::store::report::{Became, Origin, Reports, Threads};

/// Messages in one round.
const MESSAGES: i64 = 100;
/// How often the inbox is looked at when no bell rings.
const LOOK: Duration = Duration::from_secs(1);
/// Pause after a failure.
const REST: Duration = Duration::from_secs(1);
/// How long a message that membership refuses to speak about is left, in microseconds.
const LATER: i64 = 60_000_000;

/// Takes messages.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) reports: Reports,
    pub(crate) units: UnitReplica,
    pub(crate) register: Register,
    pub(crate) config: ReportConfig,
    pub(crate) bells: Bells,
}

impl Intake {
    /// Takes messages until the stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let span = tracing::info_span!(parent: None, "take messages");
            match within(span, self.round()).await {
                Ok(count) if count > 0 => {}
                Ok(_) => {
                    tokio::select! {
                        () = self.bells.inbound.notified() => {}
                        () = tokio::time::sleep(LOOK) => {}
                        () = stop.cancelled() => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "messages could not be taken, will try again");
                    pause(REST, &stop).await;
                }
            }
        }
    }

    async fn round(&self) -> Result<usize, Error> {
        // Without the structure there is nowhere to send them; they keep.
        if self.units.tree().is_empty() {
            return Ok(0);
        }
        let waiting = self.reports.waiting(Timestamp::now().0, MESSAGES).await?;
        let threads = Threads {
            within: i64::from(self.config.thread_minutes) * 60_000_000,
            triage: i64::from(self.config.triage_hours) * 3_600_000_000,
        };
        let (mut reports, mut entries, mut responses) = (0_u64, 0_u64, 0_u64);
        let count = waiting.len();
        for (id, message) in waiting {
            let Ok(mut message) = messages::read(&message) else {
                tracing::warn!("a message that is not as documented was left aside");
                self.reports.discard(id).await?;
                continue;
            };
            message.sent_at = message.sent_at.clamp(1, Timestamp::now().0);
            let identified = match self.identify(&message.sender).await {
                Ok(identified) => identified,
                Err(status) if is_passing(&status) => return Err(Error::MembershipUnavailable(Box::new(status))),
                Err(status) => {
                    tracing::warn!(code = ?status.code(), "membership does not say who sent a message, asked again later");
                    self.reports.postpone(id, Timestamp::now().0 + LATER).await?;
                    continue;
                }
            };
            let origin = self.origin(&message.sender, identified)?;
            match self.reports.record(id, &message, &origin, threads).await? {
                Became::Report => reports += 1,
                Became::Entry => entries += 1,
                Became::Response => responses += 1,
                Became::Nothing => {}
            }
        }
        if reports + entries > 0 {
            self.bells.fetch.notify_one();
        }
        if count > 0 {
            tracing::info!(count, reports, entries, responses, "messages were taken");
        }
        Ok(count)
    }

    /// Who it is in the register: by the number, else by the user id.
    async fn identify(&self, sender: &InboundSender) -> Result<Option<Identified>, Status> {
        if !sender.phone.is_empty()
            && let Some(found) = self.register.identify_phone(&sender.phone).await?
        {
            return Ok(Some(found));
        }
        if sender.user_id.is_empty() { Ok(None) } else { self.register.identify_user(&sender.user_id).await }
    }

    /// Where a message goes: to the unit of a group of the sender, else to the sender's own, else to the desk. A place decides nothing:
    /// the structure has neither boundaries nor coordinates.
    fn origin(&self, sender: &InboundSender, identified: Option<Identified>) -> Result<Origin, Error> {
        let tree = self.units.tree();
        let known = |unit: &Uuid| tree.by_id(*unit).is_some();
        let desk = tree.by_slug(&self.config.desk_unit).or_else(|| tree.root()).map(|unit| unit.id());
        let desk = desk.ok_or(crate::error::ReportError::StructureNotReady)?;
        Ok(match identified {
            Some(found) => {
                let unit = found.group_units.iter().chain([&found.unit]).copied().find(|unit| known(unit));
                Origin { member: Some(found.member), index: String::new(), unit: unit.unwrap_or(desk) }
            }
            None => Origin { member: None, index: index(self.reports.vault(), sender), unit: desk },
        })
    }
}

/// By which messages of somebody who is not in the register are known to be of one sender.
fn index(vault: &Vault, sender: &InboundSender) -> String {
    let (kind, value) = match (sender.phone.as_str(), sender.user_id.as_str()) {
        ("", "") => return String::new(),
        ("", user) => (IndexKind::WhatsappUser, user),
        (phone, _) => (IndexKind::Phone, phone),
    };
    hex::encode(vault.blind_index(kind, value.as_bytes()))
}

/// Whether membership only does not answer now.
fn is_passing(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted)
}

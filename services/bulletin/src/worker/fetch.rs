//! Files of messages from the provider into the evidence of their reports: the provider keeps them for some days only.

use std::collections::HashMap;
use std::time::Duration;

use senani_store::Timestamp;
use tokio_util::sync::CancellationToken;

use super::bells::Bells;
use super::{pause, within};
use crate::channel::{Missing, Sender, download};
use crate::error::{Error, ReportError};
use crate::store::report::{Awaited, PIECE, Reports};

/// Files in one round.
const FILES: i64 = 20;
/// How often is looked when no bell rings.
const LOOK: Duration = Duration::from_secs(2);
/// Pause after a failure.
const REST: Duration = Duration::from_secs(2);
/// The first pause between attempts, in microseconds; it doubles, up to half a day.
const FIRST: i64 = 5_000_000;
const LONGEST: i64 = 12 * 3_600_000_000;
/// Together nearly the seven days that the provider keeps a file.
const ATTEMPTS: i32 = 25;

/// Fetches files.
#[derive(Debug)]
pub(crate) struct Fetcher {
    pub(crate) reports: Reports,
    /// Senders by the names of their channels.
    pub(crate) senders: HashMap<String, Sender>,
    /// Bytes of a file at most.
    pub(crate) limit: usize,
    pub(crate) bells: Bells,
}

impl Fetcher {
    /// Fetches files until the stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let span = tracing::info_span!(parent: None, "fetch files of messages");
            match within(span, self.round()).await {
                Ok(count) if count > 0 => {}
                Ok(_) => {
                    tokio::select! {
                        () = self.bells.fetch.notified() => {}
                        () = tokio::time::sleep(LOOK) => {}
                        () = stop.cancelled() => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "files of messages could not be kept, will try again");
                    pause(REST, &stop).await;
                }
            }
        }
    }

    async fn round(&self) -> Result<usize, Error> {
        let awaited = self.reports.awaited(Timestamp::now().0, FILES).await?;
        let count = awaited.len();
        for file in awaited {
            self.fetch(&file).await?;
        }
        Ok(count)
    }

    async fn fetch(&self, awaited: &Awaited) -> Result<(), Error> {
        let fetched = match self.senders.get(&awaited.channel) {
            Some(sender) => download(&mut sender.connection(), &awaited.media_id, self.limit).await,
            None => Err(Missing::Gone),
        };
        let content = match fetched {
            Ok(content) if !content.is_empty() => content,
            Err(Missing::Later) if awaited.attempts < ATTEMPTS => {
                let pause = FIRST.saturating_mul(1 << awaited.attempts.clamp(0, 14)).min(LONGEST);
                return Ok(self.reports.await_again(awaited, Timestamp::now().0 + pause).await?);
            }
            Ok(_) | Err(_) => {
                tracing::warn!(report.id = %awaited.report, "a file of a message cannot be had from the provider");
                return Ok(self.reports.await_again(awaited, 0).await?);
            }
        };
        let mut file = match self.reports.new_file(awaited.report).await {
            Ok(file) => file,
            Err(Error::Report(ReportError::Erased)) => return Ok(self.reports.await_again(awaited, 0).await?),
            Err(error) => return Err(error),
        };
        for piece in content.chunks(PIECE) {
            file.push(piece);
            tokio::task::yield_now().await;
        }
        let media_type = self.reports.media_type(awaited).await?;
        self.reports.keep(awaited, file, &media_type).await.map(drop)
    }
}

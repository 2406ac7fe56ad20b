//! The expander: from a publication to its ledger. Tasks first, then deliveries, page by page; the next page is on its way while one is
//! written. It may die anywhere: the cursor is in the transaction of each page.

use std::time::Duration;

use senani_proto::membership::v1 as pb;
use senani_proto::membership::v1::resolve_audience_response::Part;
use senani_store::Store;
use senani_unit_replica::UnitReplica;
use senani_unit_tree::UnitTree;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::bells::Bells;
use super::{new_token, pause, within};
use crate::domain::audience::district_of;
use crate::register::Register;
use crate::store::expansion::{self, Lease, NewDelivery};
use crate::store::tasks::{self, NewTask};
use crate::store::{bulletins, groups};

/// How often an idle expander looks for what other processes left.
const LOOK: Duration = Duration::from_millis(500);
/// Pause after a failure.
const REST: Duration = Duration::from_secs(1);
/// How long tasks wait for groups that membership has counted and this service has not heard of yet.
const GROUPS_LATE: Duration = Duration::from_secs(20);

/// Expands publications, one at a time.
#[derive(Debug)]
pub(crate) struct Expander {
    pub(crate) store: Store,
    pub(crate) units: UnitReplica,
    pub(crate) register: Register,
    /// Where deliveries go; `None` without a channel.
    pub(crate) channel: Option<String>,
    /// Deliveries in one transaction.
    pub(crate) page: usize,
    pub(crate) lease: Duration,
    pub(crate) bells: Bells,
}

/// How an expansion ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Complete,
    /// Another worker has it.
    Lost,
    Stopped,
}

/// Why it went no further for now.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("membership does not give the audience")]
    Membership(#[from] Status),
    #[error("the ledger cannot be written")]
    Store(#[from] sea_orm::DbErr),
    #[error("not every unit or group of the audience is known here yet")]
    Late,
}

impl Expander {
    /// Expands until the stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match expansion::claim(&self.store, new_token(), self.lease).await {
                Ok(Some(lease)) => self.work(lease, &stop).await,
                Ok(None) => {
                    tokio::select! {
                        () = self.bells.expand.notified() => {}
                        () = tokio::time::sleep(LOOK) => {}
                        () = stop.cancelled() => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "publications could not be looked for, will try again");
                    pause(REST, &stop).await;
                }
            }
        }
    }

    async fn work(&self, mut lease: Lease, stop: &CancellationToken) {
        let publication = lease.publication.id;
        let span = tracing::info_span!(parent: None, "expand publication", publication.id = %publication);
        if senani_telemetry::enabled() {
            let trace_parent = bulletins::trace_parent(self.store.reader(), lease.publication.bulletin).await;
            senani_telemetry::set_parent(&span, trace_parent.ok().as_deref());
        }
        let expanded = within(span, self.expand(&mut lease, stop)).await;
        match expanded {
            Ok(Outcome::Complete) => {
                tracing::info!(publication.id = %publication, persons = lease.publication.resolved_count, "publication is expanded");
                return;
            }
            Ok(Outcome::Lost) => {
                tracing::warn!(publication.id = %publication, "another worker has taken over this publication");
                return;
            }
            Ok(Outcome::Stopped) => {}
            Err(Failure::Late) => {
                tracing::debug!(publication.id = %publication, "a publication waits for units or groups that are not known here yet");
                pause(LOOK / 2, stop).await;
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(publication.id = %publication, error = %error, cause, "a publication goes no further for now");
                pause(REST, stop).await;
            }
        }
        if let Err(error) = expansion::release(&self.store, &lease).await {
            tracing::warn!(publication.id = %publication, error = %error, "a lease could not be given back, it ends by itself");
        }
    }

    async fn expand(&self, lease: &mut Lease, stop: &CancellationToken) -> Result<Outcome, Failure> {
        let tree = self.units.tree();
        if !lease.publication.tasks_written && !self.write_tasks(lease, &tree).await? {
            return Ok(Outcome::Lost);
        }
        if let Some(channel) = &self.channel {
            match self.write_deliveries(lease, channel, &tree, stop).await? {
                Outcome::Complete => {}
                other => return Ok(other),
            }
        }
        Ok(if expansion::finish(&self.store, lease).await? { Outcome::Complete } else { Outcome::Lost })
    }

    /// A task for every group of the audience; false when the lease is lost.
    async fn write_tasks(&self, lease: &mut Lease, tree: &UnitTree) -> Result<bool, Failure> {
        let publication = &lease.publication;
        let sets = self.units.sets();
        let covering = publication.audience.covering(tree, &sets).map_err(|_| Failure::Late)?;
        let posted = |group: &groups::Group| covering.posts_to(&group.slug, group.unit, group.audience);
        let groups: Vec<_> = groups::active(self.store.reader()).await?.into_iter().filter(posted).collect();
        let age = senani_store::Timestamp::now().0 - publication.created_at;
        if (groups.len() as i64) < publication.group_count && age < GROUPS_LATE.as_micros() as i64 {
            return Err(Failure::Late);
        }
        let tasks: Vec<_> = groups
            .into_iter()
            .map(|group| NewTask {
                id: Uuid::now_v7(),
                group: group.id,
                group_slug: group.slug,
                unit: group.unit,
                district: district_of(tree, group.unit),
                custodian: group.custodian,
            })
            .collect();
        Ok(tasks::write_all(&self.store, lease, &tasks).await?)
    }

    async fn write_deliveries(
        &self,
        lease: &mut Lease,
        channel: &str,
        tree: &UnitTree,
        stop: &CancellationToken,
    ) -> Result<Outcome, Failure> {
        let publication = &lease.publication;
        let known = publication.person_count;
        let persons =
            self.register.resolve(&publication.audience, publication.created_at, publication.last_member).await?;
        let mut pages = Pages { persons, size: self.page, gathered: Vec::new(), count: None };
        let mut page = pages.next(tree).await?;
        if let Some(count) = pages.count
            && count != known
        {
            expansion::set_person_count(&self.store, lease, count).await?;
        }
        while !page.is_empty() {
            if stop.is_cancelled() {
                return Ok(Outcome::Stopped);
            }
            let (written, next) =
                tokio::join!(expansion::write_page(&self.store, lease, channel, &page), pages.next(tree));
            if !written? {
                return Ok(Outcome::Lost);
            }
            self.bells.dispatch.notify_one();
            page = next?;
        }
        Ok(Outcome::Complete)
    }
}

/// The persons of an audience as pages of the ledger.
struct Pages {
    persons: Streaming<pb::ResolveAudienceResponse>,
    size: usize,
    gathered: Vec<NewDelivery>,
    /// Persons in the audience, once the first message is there.
    count: Option<i64>,
}

impl Pages {
    /// The next page; empty at the end.
    async fn next(&mut self, tree: &UnitTree) -> Result<Vec<NewDelivery>, Status> {
        while self.gathered.len() < self.size {
            let Some(message) = self.persons.message().await? else { break };
            match message.part {
                Some(Part::Count(count)) => self.count = Some(count.consenting_count),
                Some(Part::Page(page)) => {
                    for person in &page.persons {
                        self.gathered.push(delivery(person, tree)?);
                    }
                }
                None => {}
            }
        }
        let rest = self.gathered.split_off(self.size.min(self.gathered.len()));
        Ok(std::mem::replace(&mut self.gathered, rest))
    }
}

/// Ids grow with the order of the members, so that the ledger is written at its end.
fn delivery(person: &pb::AudiencePerson, tree: &UnitTree) -> Result<NewDelivery, Status> {
    let uuid = |bytes: &[u8]| Uuid::from_slice(bytes).map_err(|_| Status::internal("not a UUID"));
    let unit = uuid(&person.unit_uid)?;
    Ok(NewDelivery {
        id: Uuid::now_v7(),
        member: uuid(&person.member_uid)?,
        unit,
        district: district_of(tree, unit),
        language: person.language.clone(),
    })
}

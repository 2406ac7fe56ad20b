//! How far a bulletin is, now and whenever it changes.

use std::time::Duration;

use futures::{Stream, stream};
use senani_proto::bulletin::v1 as pb;
use senani_store::Store;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use crate::domain::bulletin::State;
use crate::domain::delivery::DeliveryState as D;
use crate::error::Error;
use crate::store::{bulletins, publications, tally, tasks};

/// At most twice a second.
const LOOK: Duration = Duration::from_millis(500);

/// Ends when nothing is under way, or UNAVAILABLE when the service stops.
pub(super) fn watch(
    store: Store,
    bulletin: Uuid,
    stop: CancellationToken,
) -> impl Stream<Item = Result<pb::WatchProgressResponse, Status>> + Send {
    stream::unfold(Some(None), move |state: Option<Option<pb::WatchProgressResponse>>| {
        let (store, stop) = (store.clone(), stop.clone());
        async move {
            let last = state?;
            if last.as_ref().is_some_and(|last| last.state() != pb::bulletin::State::Publishing) {
                return None;
            }
            loop {
                if last.is_some() {
                    tokio::select! {
                        () = tokio::time::sleep(LOOK) => {}
                        () = stop.cancelled() => {
                            return Some((Err(Status::unavailable("the service stops, watch again")), None));
                        }
                    }
                }
                match now(&store, bulletin).await {
                    Ok(progress) if last.as_ref() == Some(&progress) => {}
                    Ok(progress) => return Some((Ok(progress), Some(Some(progress)))),
                    Err(error) => return Some((Err(error.into()), None)),
                }
            }
        }
    })
}

async fn now(store: &Store, bulletin: Uuid) -> Result<pb::WatchProgressResponse, Error> {
    // The state first: when it says that all is done, the counts that follow are those of the end.
    let found = bulletins::find(store.reader(), bulletin).await?.ok_or(Error::BulletinNotFound(bulletin))?;
    let progress = tally::progress(store.reader(), bulletin).await?;
    let expanding: i64 = if found.state == State::Publishing {
        let publications = publications::of(store.reader(), bulletin).await?;
        let open = publications.iter().filter(|publication| publication.state == publications::EXPANDING);
        open.map(|publication| (publication.person_count - publication.resolved_count).max(0)).sum()
    } else {
        0
    };
    Ok(pb::WatchProgressResponse {
        state: found.state.code(),
        task_count: tasks::count(store.reader(), bulletin).await?,
        delivery_count: progress.of(&D::ALL),
        queued_count: progress.of(&[D::Queued]),
        in_flight_count: progress.of(&[D::Sending, D::Unknown]),
        sent_count: progress.of(&[D::Accepted, D::Sent]),
        delivered_count: progress.of(&[D::Delivered]),
        read_count: progress.of(&[D::Read]),
        failed_count: progress.of(&[D::Failed]),
        expanding_count: expanding,
    })
}

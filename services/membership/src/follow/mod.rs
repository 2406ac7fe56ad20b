//! What other services tell this one: the structure, from hierarchy.

use senani_client::{Channel, ClientOptions, ConnectError, connect, follower};
use senani_unit_replica::UnitReplica;
use tokio_util::sync::CancellationToken;

/// A channel to hierarchy. Nothing is connected before it is used.
pub(crate) fn channel(hierarchy_url: &str) -> Result<Channel, ConnectError> {
    let subject = Some("services/membership".to_owned());
    connect(hierarchy_url, ClientOptions { subject, ..ClientOptions::default() })
}

/// Keeps the replica of the structure up to date until `stop`.
pub(crate) async fn follow_hierarchy(channel: Channel, replica: UnitReplica, stop: CancellationToken) {
    follower::follow(channel, replica.sink(), stop).await;
}

//! What an officer holds elsewhere: asked of the services that know, at the moment when it matters.

use std::time::Duration;

use senani_client::{Channel, ClientOptions, ConnectError};
use senani_proto::bulletin::v1::ListDutiesRequest;
use senani_proto::bulletin::v1::duty_service_client::DutyServiceClient;
use senani_proto::membership::v1::ListHeldGroupsRequest;
use senani_proto::membership::v1::custody_service_client::CustodyServiceClient;
use senani_proto::name::MemberName;
use tonic::Status;

use crate::domain::{Held, LeftBehind};
use crate::error::Error;

/// How long a service may take: the officer waits for the answer.
const PATIENCE: Duration = Duration::from_secs(5);

const MEMBERSHIP: &str = "membership";
const BULLETIN: &str = "bulletin";

/// The services that know what an officer holds. Nothing is connected before the first question.
#[derive(Debug, Clone)]
pub(crate) struct Holdings {
    membership: Option<Channel>,
    bulletin: Option<Channel>,
}

impl Holdings {
    /// The services at these addresses; an empty one is not there to be asked.
    ///
    /// # Errors
    /// An address is malformed.
    pub(crate) fn at(membership_url: &str, bulletin_url: &str) -> Result<Self, ConnectError> {
        let connect = |url: &str| {
            let subject = Some("services/hierarchy".to_owned());
            let options = ClientOptions { subject, deadline: PATIENCE, ..ClientOptions::default() };
            (!url.is_empty()).then(|| senani_client::connect(url, options)).transpose()
        };
        Ok(Self { membership: connect(membership_url)?, bulletin: connect(bulletin_url)? })
    }

    /// What an officer holds that nobody else does.
    pub(crate) async fn of(&self, officer: MemberName) -> Result<LeftBehind, Error> {
        let (groups, duties) = tokio::join!(self.groups(officer), self.duties(officer));
        let (groups, (tasks, reports)) = (groups?, duties?);
        Ok(LeftBehind { groups, tasks, reports })
    }

    async fn groups(&self, officer: MemberName) -> Result<Held, Error> {
        let channel = self.membership.clone().ok_or(Error::LeftBehindUnknown(MEMBERSHIP, None))?;
        let request = ListHeldGroupsRequest { officer: officer.to_string() };
        let answer = CustodyServiceClient::new(channel).list_held_groups(request).await;
        let answer = answer.map_err(|status| unknown(MEMBERSHIP, status))?.into_inner();
        let names = answer.groups.into_iter().filter(|held| held.sole).map(|held| held.group).collect();
        Ok(Held { names, count: answer.sole_count })
    }

    async fn duties(&self, officer: MemberName) -> Result<(Held, Held), Error> {
        let channel = self.bulletin.clone().ok_or(Error::LeftBehindUnknown(BULLETIN, None))?;
        let request = ListDutiesRequest { officer: officer.to_string() };
        let answer = DutyServiceClient::new(channel).list_duties(request).await;
        let answer = answer.map_err(|status| unknown(BULLETIN, status))?.into_inner();
        let tasks = Held { names: answer.tasks, count: answer.task_count };
        Ok((tasks, Held { names: answer.reports, count: answer.report_count }))
    }
}

fn unknown(service: &'static str, status: Status) -> Error {
    tracing::warn!(service, code = ?status.code(), "what an officer holds cannot be asked");
    Error::LeftBehindUnknown(service, Some(Box::new(status)))
}

//! `senani.bulletin.v1.DeliveryService`.

use senani_access::Principal;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::delivery_service_server::DeliveryService;
use senani_proto::name::{BulletinName, DeliveryName, MemberName};
use senani_store::{Page, PageSize, Store};
use senani_unit_replica::UnitReplica;
use tonic::{Request, Response, Status};

use super::parse;
use crate::error::Error;
use crate::store::deliveries::{self, DeliveryFilter};
use crate::wire;
use crate::worker::ingest::Inbox;

/// Bytes of a webhook's body at most.
pub(crate) const BODY_BYTES: usize = 4 * 1024 * 1024;

/// The ledger of deliveries.
#[derive(Debug)]
pub(crate) struct DeliveryApi {
    pub(crate) store: Store,
    pub(crate) units: UnitReplica,
    pub(crate) inbox: Inbox,
    /// Names of the channels that are configured.
    pub(crate) channels: Vec<String>,
}

#[tonic::async_trait]
impl DeliveryService for DeliveryApi {
    async fn get_delivery(&self, request: Request<pb::GetDeliveryRequest>) -> Result<Response<pb::Delivery>, Status> {
        Principal::of(&request)?;
        let name: DeliveryName = parse::parsed("name", &request.into_inner().name)?;
        let found = deliveries::find(self.store.reader(), name.bulletin, name.uid).await.map_err(Error::from)?;
        let found = found.ok_or(Error::DeliveryNotFound(name.uid))?;
        Ok(Response::new(wire::delivery(&found, &self.units.tree())))
    }

    async fn list_deliveries(
        &self,
        request: Request<pb::ListDeliveriesRequest>,
    ) -> Result<Response<pb::ListDeliveriesResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let bulletin: BulletinName = parse::parsed("parent", &request.parent)?;
        let member: Option<MemberName> = parse::optional("member", &request.member)?;
        let filter = DeliveryFilter {
            bulletin: bulletin.0,
            member: member.map(|name| name.0),
            state: Some(request.state).filter(|state| *state != 0),
        };
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let after = parse::page_key(&request.page_token, &filter)?.unwrap_or_default();
        let found = deliveries::list(self.store.reader(), &filter, after, size.limit()).await.map_err(Error::from)?;
        let page = Page::cut(found, size, &filter, |delivery| delivery.id.to_string());
        let tree = self.units.tree();
        Ok(Response::new(pb::ListDeliveriesResponse {
            deliveries: page.items.iter().map(|delivery| wire::delivery(delivery, &tree)).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn ingest_receipts(
        &self,
        request: Request<pb::IngestReceiptsRequest>,
    ) -> Result<Response<pb::IngestReceiptsResponse>, Status> {
        if !Principal::of(&request)?.is_service() {
            return Err(Error::ServicesOnly.into());
        }
        let request = request.into_inner();
        if !self.channels.contains(&request.channel) {
            return Err(Error::ChannelUnknown(request.channel).into());
        }
        if request.body.len() > BODY_BYTES {
            return Err(Error::BodyTooLarge { limit: BODY_BYTES }.into());
        }
        self.inbox.put(request.channel, request.body).await?;
        Ok(Response::new(pb::IngestReceiptsResponse {}))
    }
}

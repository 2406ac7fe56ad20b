//! `senani.bulletin.v1.BulletinService`.

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use senani_access::Principal;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::bulletin_service_server::BulletinService;
use senani_proto::name::UnitName;
use senani_store::{Page, PageSize, Store, Timestamp};
use senani_unit_replica::UnitReplica;
use time::UtcOffset;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::parse;
use super::poster_stream::PosterStream;
use super::progress::watch;
use crate::domain::bulletin::{Bulletin, IssuingUnit, Refusal, State, Visibility};
use crate::domain::draft;
use crate::domain::poster::PosterRules;
use crate::error::Error;
use crate::objects::PosterObjects;
use crate::qr;
use crate::register::Register;
use crate::signing::SigningKeys;
use crate::store::desk::{self, Repeatable};
use crate::store::publications::{EXPANDING, Publication};
use crate::store::{bulletins, groups};
use crate::wire;
use crate::worker::bells::Bells;

/// The bulletin desk.
#[derive(Debug)]
pub(crate) struct BulletinApi {
    pub(crate) store: Store,
    pub(crate) units: UnitReplica,
    pub(crate) register: Register,
    pub(crate) bells: Bells,
    pub(crate) time_zone: UtcOffset,
    pub(crate) posters: Arc<PosterLimits>,
    pub(crate) objects: PosterObjects,
    pub(crate) keys: Arc<SigningKeys>,
    pub(crate) public_url: Arc<str>,
    pub(crate) stop: CancellationToken,
}

/// Bounds of what posters cost.
#[derive(Debug)]
pub(crate) struct PosterLimits {
    /// What a poster must be.
    pub(crate) rules: PosterRules,
    /// Decoding takes memory: one at a time.
    pub(crate) decoding: Arc<tokio::sync::Semaphore>,
}

impl BulletinApi {
    async fn find(&self, name: &str) -> Result<Bulletin, Error> {
        let id = parse::bulletin_id(name)?;
        bulletins::find(self.store.reader(), id).await?.ok_or(Error::BulletinNotFound(id))
    }

    fn draft(&self, caller: &Principal, wanted: pb::Bulletin) -> Result<Bulletin, Error> {
        let unit: UnitName = parse::parsed("bulletin.issuing_unit", &wanted.issuing_unit)?;
        let tree = self.units.tree();
        let issuing_unit = tree
            .by_slug(unit.slug())
            .ok_or_else(|| Error::UnitUnknown { field: "bulletin.issuing_unit".to_owned(), unit: unit.to_string() })?;
        let headlines = wanted.headlines.into_iter().collect();
        let texts = wanted.texts.into_iter().collect();
        let faults = draft::faults(wanted.category, &headlines, &texts);
        if !faults.is_empty() {
            return Err(Error::Draft(faults));
        }
        Ok(Bulletin {
            id: Uuid::now_v7(),
            number: String::new(),
            issuing_unit: IssuingUnit { id: issuing_unit.id(), slug: issuing_unit.slug().to_owned() },
            state: State::Draft,
            category: wanted.category,
            severity: wanted.severity.clamp(0, 3),
            headlines,
            texts,
            poster: None,
            author: caller.subject().to_owned(),
            approver: String::new(),
            version: 1,
            created_at: Timestamp::now().0,
            approved_at: 0,
            published_at: 0,
            trace_parent: String::new(),
            visibility: Visibility::from_code(wanted.visibility),
            code: None,
        })
    }
}

#[tonic::async_trait]
impl BulletinService for BulletinApi {
    type WatchProgressStream = Pin<Box<dyn Stream<Item = Result<pb::WatchProgressResponse, Status>> + Send>>;

    async fn create_bulletin(
        &self,
        request: Request<pb::CreateBulletinRequest>,
    ) -> Result<Response<pb::Bulletin>, Status> {
        let caller = Principal::of(&request)?;
        let mut request = request.into_inner();
        let request_id = parse::request_id(&std::mem::take(&mut request.request_id))?;
        let fingerprint = parse::fingerprint(&request);
        let bulletin = self.draft(&caller, request.bulletin.unwrap_or_default())?;
        let method = "BulletinService/CreateBulletin";
        let repeatable = Repeatable { subject: caller.subject(), method, request_id, fingerprint };
        Ok(Response::new(desk::create(&self.store, &repeatable, &bulletin).await?))
    }

    async fn get_bulletin(&self, request: Request<pb::GetBulletinRequest>) -> Result<Response<pb::Bulletin>, Status> {
        Principal::of(&request)?;
        Ok(Response::new(wire::bulletin(&self.find(&request.into_inner().name).await?)))
    }

    async fn list_bulletins(
        &self,
        request: Request<pb::ListBulletinsRequest>,
    ) -> Result<Response<pb::ListBulletinsResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let before = parse::page_key(&request.page_token, &"bulletins")?;
        let found = bulletins::list(self.store.reader(), before, size.limit()).await.map_err(Error::from)?;
        let page = Page::cut(found, size, &"bulletins", |bulletin| bulletin.id.to_string());
        Ok(Response::new(pb::ListBulletinsResponse {
            bulletins: page.items.iter().map(wire::bulletin).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn attach_poster(
        &self,
        request: Request<Streaming<pb::AttachPosterRequest>>,
    ) -> Result<Response<pb::Bulletin>, Status> {
        Principal::of(&request)?;
        let mut pieces = PosterStream::new(request.into_inner());
        let bulletin = self.find(&pieces.name().await?).await?;
        // Before the file is read: a bulletin that takes none costs none.
        bulletin.check_attach().map_err(|refusal| Error::refused(bulletin.id, refusal))?;
        let (poster, content) = pieces.poster(&self.posters).await?;
        // The object first: a row never speaks of one that is not there.
        self.objects.put(&poster, content.into()).await.map_err(Error::from)?;
        Ok(Response::new(wire::bulletin(&desk::attach(&self.store, bulletin.id, poster).await?)))
    }

    async fn preview_bulletin(
        &self,
        request: Request<pb::PreviewBulletinRequest>,
    ) -> Result<Response<pb::PreviewBulletinResponse>, Status> {
        let caller = Principal::of(&request)?;
        let request = request.into_inner();
        self.find(&request.name).await?;
        let tree = self.units.tree();
        let sets = self.units.sets();
        let audience = parse::audience(request.audience, &tree, &sets)?;
        let count = self.register.count(&caller, &audience).await?;
        let groups = groups::active(self.store.reader()).await.map_err(Error::from)?;
        let covering = audience.covering(&tree, &sets).ok();
        let posted = |group: &&groups::Group| {
            covering.as_ref().is_some_and(|covering| covering.posts_to(&group.slug, group.unit, group.audience))
        };
        let orphans = groups.iter().filter(posted).filter(|group| group.custodian.is_none()).count();
        Ok(Response::new(pb::PreviewBulletinResponse {
            group_count: if audience.is_posted() { count.group_count } else { 0 },
            orphan_count: orphans as i64,
            person_count: count.person_count,
            consenting_count: count.consenting_count,
        }))
    }

    async fn submit_bulletin(
        &self,
        request: Request<pb::SubmitBulletinRequest>,
    ) -> Result<Response<pb::Bulletin>, Status> {
        Principal::of(&request)?;
        let id = parse::bulletin_id(&request.into_inner().name)?;
        Ok(Response::new(wire::bulletin(&desk::submit(&self.store, id).await?)))
    }

    async fn approve_bulletin(
        &self,
        request: Request<pb::ApproveBulletinRequest>,
    ) -> Result<Response<pb::Bulletin>, Status> {
        let caller = Principal::of(&request)?;
        let request = request.into_inner();
        let id = parse::bulletin_id(&request.name)?;
        let bulletin =
            desk::approve(&self.store, id, caller.subject(), &request.etag, self.time_zone, &self.keys).await?;
        Ok(Response::new(wire::bulletin(&bulletin)))
    }

    async fn return_bulletin(
        &self,
        request: Request<pb::ReturnBulletinRequest>,
    ) -> Result<Response<pb::Bulletin>, Status> {
        Principal::of(&request)?;
        let id = parse::bulletin_id(&request.into_inner().name)?;
        Ok(Response::new(wire::bulletin(&desk::give_back(&self.store, id).await?)))
    }

    async fn publish_bulletin(
        &self,
        request: Request<pb::PublishBulletinRequest>,
    ) -> Result<Response<pb::Publication>, Status> {
        let caller = Principal::of(&request)?;
        let mut request = request.into_inner();
        let request_id = parse::request_id(&std::mem::take(&mut request.request_id))?;
        let fingerprint = parse::fingerprint(&request);
        let bulletin = self.find(&request.name).await?;
        bulletin.check_publish().map_err(|refusal| Error::refused(bulletin.id, refusal))?;
        let audience = parse::audience(request.audience, &self.units.tree(), &self.units.sets())?;
        let count = self.register.count(&caller, &audience).await?;
        let group_count = if audience.is_posted() { count.group_count } else { 0 };
        if group_count == 0 && count.consenting_count == 0 {
            return Err(Error::AudienceEmpty.into());
        }
        let publication = Publication {
            id: Uuid::now_v7(),
            bulletin: bulletin.id,
            audience,
            state: EXPANDING,
            group_count,
            task_count: 0,
            tasks_written: false,
            delivery_count: 0,
            person_count: count.consenting_count,
            resolved_count: 0,
            last_member: Uuid::nil(),
            first_delivery: Uuid::nil(),
            last_delivery: Uuid::nil(),
            // After the question: whoever was counted was enrolled by then.
            created_at: Timestamp::now().0,
        };
        let method = "BulletinService/PublishBulletin";
        let repeatable = Repeatable { subject: caller.subject(), method, request_id, fingerprint };
        let answer = desk::publish(&self.store, &repeatable, &publication).await?;
        self.bells.expand.notify_one();
        Ok(Response::new(answer))
    }

    async fn get_verification_qr(
        &self,
        request: Request<pb::GetVerificationQrRequest>,
    ) -> Result<Response<pb::GetVerificationQrResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let side = match request.side_pixels {
            0 => 400,
            side => u32::try_from(side).ok().filter(|side| (100..=2_000).contains(side)).ok_or(Error::SizeInvalid)?,
        };
        let bulletin = self.find(&request.name).await?;
        let refused = || Error::refused(bulletin.id, Refusal::NotApproved(bulletin.state));
        let code = bulletin.code.ok_or_else(refused)?;
        let url = format!("{}/v/{}", self.public_url, code.plain());
        let png = qr::png(&url, side).ok_or(Error::SizeInvalid)?.into();
        Ok(Response::new(pb::GetVerificationQrResponse { code: code.to_string(), url, png }))
    }

    async fn watch_progress(
        &self,
        request: Request<pb::WatchProgressRequest>,
    ) -> Result<Response<Self::WatchProgressStream>, Status> {
        Principal::of(&request)?;
        let bulletin = self.find(&request.into_inner().name).await?;
        Ok(Response::new(Box::pin(watch(self.store.clone(), bulletin.id, self.stop.clone()))))
    }
}

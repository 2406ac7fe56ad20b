//! What officers do, through the gateway. They are patient: a call that finds a service down is made again.

use bytes::Bytes;
use senani_client::Channel;
use senani_proto::analytics::v1::coverage_service_client::CoverageServiceClient;
use senani_proto::analytics::v1::reach_service_client::ReachServiceClient;
use senani_proto::analytics::v1::{Coverage, GetCoverageRequest, GetReachRequest, Reach};
use senani_proto::bulletin::v1::bulletin::State;
use senani_proto::bulletin::v1::bulletin_service_client::BulletinServiceClient;
use senani_proto::bulletin::v1::{
    ApproveBulletinRequest, Bulletin, Category, CreateBulletinRequest, Publication, PublishBulletinRequest,
    SubmitBulletinRequest, WatchProgressRequest, WatchProgressResponse,
};
use senani_proto::hierarchy::v1::unit_service_client::UnitServiceClient;
use senani_proto::hierarchy::v1::{
    ImportUnitsOptions, ImportUnitsRequest, ImportUnitsResponse, UnitKind, import_units_request,
};
use senani_proto::membership::v1::group_service_client::GroupServiceClient;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_proto::membership::v1::notice_service_client::NoticeServiceClient;
use senani_proto::membership::v1::order_service_client::OrderServiceClient;
use senani_proto::membership::v1::{
    AudienceSelector, FormGroupsRequest, FormGroupsResponse, ImportMembersOptions, ImportMembersRequest,
    ImportMembersResponse, IssueOrderRequest, ListRulesInForceRequest, MemberImport, Notice, PublishNoticeRequest,
    Purpose, import_members_request,
};
use senani_testkit::eventually;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use crate::cell::PATIENCE;
use crate::material::{self, STATE, UNITS};

/// The notice that the members of imports were given.
const NOTICE: &str = "notice-1";

/// Bytes of a file in one message.
const PIECE: usize = 16 * 1024;

/// The officers of a desk.
#[derive(Debug, Clone)]
pub struct Desk {
    author: Channel,
    approver: Channel,
}

/// Whether the same call may succeed in a moment.
fn is_passing(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Aborted | Code::Cancelled | Code::DeadlineExceeded)
}

/// Makes a call until it is answered; every answer but a passing trouble counts.
async fn patiently<T>(what: &str, mut call: impl AsyncFnMut() -> Result<T, Status>) -> Result<T, Status> {
    eventually(PATIENCE, what, async || match call().await {
        Err(status) if is_passing(&status) => None,
        answer => Some(answer),
    })
    .await
}

impl Desk {
    /// A desk of these two.
    #[must_use]
    pub fn new(author: Channel, approver: Channel) -> Self {
        Self { author, approver }
    }

    /// The channel of the officer who writes.
    #[must_use]
    pub fn author(&self) -> Channel {
        self.author.clone()
    }

    /// Imports the structure of Bihar Police.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn import_structure(&self) -> ImportUnitsResponse {
        self.import_units(UNITS.as_bytes()).await
    }

    /// Imports a structure.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn import_units(&self, units: &[u8]) -> ImportUnitsResponse {
        let options = ImportUnitsOptions { validate_only: false };
        let first = ImportUnitsRequest { piece: Some(import_units_request::Piece::Options(options)) };
        let content = units.chunks(256 * 1024).map(|bytes| ImportUnitsRequest {
            piece: Some(import_units_request::Piece::Content(Bytes::copy_from_slice(bytes))),
        });
        let pieces: Vec<ImportUnitsRequest> = std::iter::once(first).chain(content).collect();
        let imported = patiently("the structure to be imported", async || {
            UnitServiceClient::new(self.author.clone()).import_units(tokio_stream::iter(pieces.clone())).await
        });
        imported.await.expect("the structure is right").into_inner()
    }

    /// Issues the two orders, or finds them issued.
    ///
    /// # Panics
    /// When they are refused.
    pub async fn issue_orders(&self) {
        for (slug, order) in material::orders() {
            let request =
                IssueOrderRequest { order: Some(order), order_id: slug.to_owned(), request_id: String::new() };
            let issued = patiently("an order to be issued", async || {
                OrderServiceClient::new(self.author.clone()).issue_order(request.clone()).await
            })
            .await;
            if let Err(status) = issued {
                assert_eq!(senani_error::reason_of(&status).as_deref(), Some("SLUG_TAKEN"), "{status}");
            }
        }
    }

    /// Forms every group that the orders demand, once membership knows the whole structure.
    ///
    /// # Panics
    /// When it is refused, or membership never hears of the structure.
    pub async fn form_groups(&self) -> FormGroupsResponse {
        // The deepest kind comes last in the events of an import.
        let last = UNITS.lines().rev().find(|line| line.contains(",outpost,")).expect("there are outposts");
        let unit = format!("units/{}", last.split(',').next().unwrap_or_default());
        eventually(PATIENCE, "membership to know the structure", async || {
            let request = ListRulesInForceRequest { unit: unit.clone(), date: String::new() };
            OrderServiceClient::new(self.author.clone()).list_rules_in_force(request).await.is_ok()
        })
        .await;
        self.form(false).await.expect("groups can be formed")
    }

    /// The plan of what is to be formed in the state, or the forming of it.
    ///
    /// # Errors
    /// As the call.
    pub async fn form(&self, validate_only: bool) -> Result<FormGroupsResponse, Status> {
        let request = FormGroupsRequest { unit: STATE.to_owned(), validate_only, ..FormGroupsRequest::default() };
        let formed = patiently("groups to be formed", async || {
            GroupServiceClient::new(self.author.clone()).form_groups(request.clone()).await
        });
        Ok(formed.await?.into_inner())
    }

    /// Everything up to the groups.
    pub async fn found(&self) {
        self.found_on(UNITS.as_bytes()).await;
    }

    /// The same on a structure that has at least the units of Bihar Police.
    pub async fn found_on(&self, units: &[u8]) {
        self.import_units(units).await;
        self.issue_orders().await;
        self.form_groups().await;
        self.publish_notice().await;
    }

    /// Publishes the notice that members of imports were given.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn publish_notice(&self) {
        let texts = |hi: &str, en: &str| [("hi".to_owned(), hi.to_owned()), ("en".to_owned(), en.to_owned())].into();
        let notice = Notice {
            titles: texts("सूचना", "Notice"),
            texts: texts(
                "साइबर सेनानी संदेश भेजने के लिए आपका नाम और नंबर रखते हैं।",
                "Cyber Senani keeps your name and number to send you messages.",
            ),
            purposes: vec![Purpose::DirectMessages.into()],
            ..Notice::default()
        };
        let request =
            PublishNoticeRequest { notice: Some(notice), notice_id: NOTICE.to_owned(), request_id: String::new() };
        let published = patiently("a notice to be published", async || {
            NoticeServiceClient::new(self.author.clone()).publish_notice(request.clone()).await
        })
        .await;
        if let Err(status) = published {
            assert_eq!(senani_error::reason_of(&status).as_deref(), Some("SLUG_TAKEN"), "{status}");
        }
    }

    /// Opens the stream of an import; the file comes over the sender.
    ///
    /// # Errors
    /// As the call.
    pub async fn open_import(
        &self,
        import: Uuid,
    ) -> Result<(mpsc::Sender<ImportMembersRequest>, Streaming<ImportMembersResponse>), Status> {
        let (sender, receiver) = mpsc::channel(2);
        let options = ImportMembersOptions { import_id: import.to_string(), notice_version: NOTICE.to_owned() };
        let first = ImportMembersRequest { piece: Some(import_members_request::Piece::Options(options)) };
        sender.send(first).await.expect("the receiver is held here");
        let mut members = MemberServiceClient::new(self.author.clone());
        let responses = members.import_members(ReceiverStream::new(receiver)).await?.into_inner();
        Ok((sender, responses))
    }

    /// Imports members; the same file under the same id goes on where it was cut.
    ///
    /// # Panics
    /// When the file is refused.
    pub async fn import_members(&self, import: Uuid, file: &Bytes) -> MemberImport {
        let imported = patiently("members to be imported", async || self.import_once(import, file).await);
        imported.await.expect("the file is right")
    }

    /// Imports members in one stream, without patience.
    ///
    /// # Errors
    /// As the call; UNAVAILABLE when the stream was cut before its end.
    pub async fn import_once(&self, import: Uuid, file: &Bytes) -> Result<MemberImport, Status> {
        let (sender, mut responses) = self.open_import(import).await?;
        let pieces = pieces(file);
        let sending = tokio::spawn(async move {
            for piece in pieces {
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        });
        let mut import = None;
        while let Some(response) = responses.message().await? {
            import = response.progress.or(import);
            if response.done {
                break;
            }
        }
        sending.abort();
        import.filter(|import| import.complete).ok_or_else(|| Status::unavailable("the import was cut before its end"))
    }

    /// Writes a bulletin, gives it to review and has the other officer approve it. Answers its name.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn approved_bulletin(&self, headline: &str) -> String {
        let mut author = BulletinServiceClient::new(self.author.clone());
        let both = |text: &str| [("hi".to_owned(), text.to_owned()), ("en".to_owned(), text.to_owned())].into();
        let bulletin = Bulletin {
            issuing_unit: "units/eou".to_owned(),
            category: Category::CyberCrime.into(),
            headlines: both(headline),
            texts: both("किसी को ओटीपी न बताएँ; 1930 पर सूचना दें।"),
            ..Bulletin::default()
        };
        let request = CreateBulletinRequest { bulletin: Some(bulletin), request_id: Uuid::now_v7().to_string() };
        // The service may not have heard of the structure yet.
        let bulletin = eventually(PATIENCE, "a bulletin to be written", async || {
            author.create_bulletin(request.clone()).await.ok()
        })
        .await
        .into_inner();
        let name = bulletin.name;
        author.submit_bulletin(SubmitBulletinRequest { name: name.clone() }).await.expect("a draft can be submitted");
        let mut approver = BulletinServiceClient::new(self.approver.clone());
        let request = ApproveBulletinRequest { name: name.clone(), etag: String::new() };
        approver.approve_bulletin(request).await.expect("another officer can approve it");
        name
    }

    /// Publishes an approved bulletin to a unit and everything under it; the same call again is the same publication.
    ///
    /// # Errors
    /// As the call, but for passing troubles.
    pub async fn publish(&self, bulletin: &str, unit: &str) -> Result<Publication, Status> {
        let request = PublishBulletinRequest {
            name: bulletin.to_owned(),
            audience: Some(AudienceSelector { units: vec![unit.to_owned()], ..AudienceSelector::default() }),
            request_id: Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{bulletin} {unit}").as_bytes()).to_string(),
        };
        let published = patiently("a bulletin to be published", async || {
            BulletinServiceClient::new(self.author.clone()).publish_bulletin(request.clone()).await
        });
        Ok(published.await?.into_inner())
    }

    /// How far a bulletin is at this moment; `None` while that cannot be said.
    pub async fn progress(&self, bulletin: &str) -> Option<WatchProgressResponse> {
        let request = WatchProgressRequest { name: bulletin.to_owned() };
        let watched = BulletinServiceClient::new(self.author.clone()).watch_progress(request).await;
        watched.ok()?.into_inner().message().await.ok()?
    }

    /// Waits until everything has left the house and every delivery is delivered or failed; that one was read may still come.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn settled(&self, bulletin: &str) -> WatchProgressResponse {
        let mut last = None;
        let look = eventually(PATIENCE, "every delivery to be delivered or failed", async || {
            last = self.progress(bulletin).await.or(last);
            last.filter(|now| {
                let open = now.queued_count + now.in_flight_count + now.sent_count + now.expanding_count;
                now.state() == State::Published && now.delivery_count > 0 && open == 0
            })
        });
        look.await
    }

    /// Coverage of a unit by the units of a kind; `None` while it cannot be said.
    pub async fn coverage(&self, unit: &str, by: UnitKind) -> Option<Coverage> {
        let request = GetCoverageRequest { unit: unit.to_owned(), part_kind: by.into() };
        Some(CoverageServiceClient::new(self.author.clone()).get_coverage(request).await.ok()?.into_inner())
    }

    /// Reach of a bulletin; `None` while it cannot be said.
    pub async fn reach(&self, bulletin: &str) -> Option<Reach> {
        let request = GetReachRequest { bulletin: bulletin.to_owned() };
        Some(ReachServiceClient::new(self.author.clone()).get_reach(request).await.ok()?.into_inner())
    }

    /// Waits until analytics counts these enrolments.
    ///
    /// # Panics
    /// When it does not within [`PATIENCE`].
    pub async fn covered(&self, enrolments: i64) -> Coverage {
        eventually(PATIENCE, "the coverage to count every enrolment", async || {
            let coverage = self.coverage(STATE, UnitKind::District).await?;
            (coverage.figures?.enrolled_members == enrolments).then_some(coverage)
        })
        .await
    }

    /// Waits until analytics has heard what became of every delivery.
    ///
    /// # Panics
    /// When it does not within [`PATIENCE`].
    pub async fn reached(&self, bulletin: &str, progress: &WatchProgressResponse) -> Reach {
        eventually(PATIENCE, "the reach to count every receipt", async || {
            let reach = self.reach(bulletin).await?;
            let figures = reach.figures.as_ref()?;
            let heard = figures.persons == progress.delivery_count
                && figures.read == progress.read_count
                && figures.delivered == progress.read_count + progress.delivered_count
                && figures.failed == progress.failed_count
                && figures.tasks == progress.task_count;
            heard.then_some(reach)
        })
        .await
    }
}

/// A file of members as the pieces of a stream.
#[must_use]
pub fn pieces(file: &Bytes) -> Vec<ImportMembersRequest> {
    let starts = (0..file.len()).step_by(PIECE);
    starts
        .map(|start| file.slice(start..file.len().min(start + PIECE)))
        .map(|piece| ImportMembersRequest { piece: Some(import_members_request::Piece::Content(piece)) })
        .collect()
}

//! Everything that a test of the bulletin service needs, started.

use std::time::Duration;

use senani_bulletin::{App, ChannelConfig, Config, PosterStore};
use senani_client::{Channel, ClientOptions, connect};
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::bulletin_service_client::BulletinServiceClient;
use senani_proto::bulletin::v1::delivery_service_client::DeliveryServiceClient;
use senani_proto::bulletin::v1::public_page_service_client::PublicPageServiceClient;
use senani_proto::bulletin::v1::report_service_client::ReportServiceClient;
use senani_proto::bulletin::v1::task_service_client::TaskServiceClient;
use senani_proto::eventlog::v1::event_log_service_server::EventLogServiceServer;
use senani_proto::membership::v1::AudienceSelector;
use senani_proto::membership::v1::audience_service_server::AudienceServiceServer;
use senani_proto::membership::v1::member_service_server::MemberServiceServer;
use senani_proto::membership::v1::sender_service_server::SenderServiceServer;
use senani_store::{Store, StoreOptions};
use senani_testkit::{Engine, TestDatabase, database, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::fakes::{FakeGateway, FakeLog, FakeRegister, FakeSenders, Running, serve, structure_events};

/// Longer than anything takes, shorter than patience.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) const AUTHOR: &str = "officers/desk-author";
pub(crate) const APPROVER: &str = "officers/desk-approver";

/// A bulletin service with what it talks to.
pub(crate) struct Cell {
    pub(crate) register: FakeRegister,
    pub(crate) senders: FakeSenders,
    pub(crate) units: FakeLog,
    pub(crate) groups: FakeLog,
    pub(crate) simulator: senani_simulator::Handle,
    pub(crate) gateway: FakeGateway,
    pub(crate) config: Config,
    store: Store,
    _database: TestDatabase,
    _folder: tempfile::TempDir,
    _keys: tempfile::TempDir,
    running: Option<(JoinHandle<()>, CancellationToken)>,
    url: String,
    _servers: Vec<Running>,
    _simulator: tokio_util::sync::DropGuard,
}

impl Cell {
    /// A cell with `members` consenting members, whose provider keeps what it is told and sends receipts at once.
    pub(crate) async fn start(engine: Engine, members: usize) -> Self {
        Self::start_with(engine, members, senani_simulator::Config::default(), |_| {}).await
    }

    pub(crate) async fn start_with(
        engine: Engine,
        members: usize,
        simulator: senani_simulator::Config,
        adjust: impl FnOnce(&mut Config),
    ) -> Self {
        let database = database(engine);
        let register = FakeRegister::of(members);
        let (units, groups) = (FakeLog::new(structure_events()), FakeLog::new(register.group_events()));
        let senders = FakeSenders { register: register.clone(), away: Default::default() };
        let hierarchy = serve(Server::builder().add_service(EventLogServiceServer::new(units.clone()))).await;
        let membership = serve(
            Server::builder()
                .add_service(EventLogServiceServer::new(groups.clone()))
                .add_service(AudienceServiceServer::new(register.clone()))
                .add_service(MemberServiceServer::new(register.clone()))
                .add_service(SenderServiceServer::new(senders.clone())),
        )
        .await;
        let gateway = FakeGateway::start().await;
        let provider = senani_simulator::App::build(senani_simulator::Config {
            webhook_url: format!("{}/webhooks/whatsapp", gateway.running.url()),
            webhook: senani_simulator::Webhook { linger_ms: 5, retry_from_ms: 20, ..Default::default() },
            delays: quick(),
            ..simulator
        })
        .await
        .expect("a simulator");
        let (handle, address) = (provider.handle(), provider.address());
        let stop = CancellationToken::new();
        tokio::spawn(provider.run(stop.clone()));

        let folder = tempfile::tempdir().expect("a folder");
        let keys = tempfile::tempdir().expect("a folder");
        let mut config = Config {
            reports: senani_bulletin::ReportConfig {
                keys_file: keys.path().join("report-keys"),
                look_every_ms: 20,
                ..Default::default()
            },
            listen: ([127, 0, 0, 1], 0).into(),
            database_url: database.url("bulletin"),
            hierarchy_url: hierarchy.url(),
            membership_url: membership.url(),
            channels: vec![ChannelConfig {
                url: format!("http://{address}"),
                token: "simulator-token".into(),
                phone_number_id: "106540352242922".to_owned(),
                timeout_seconds: 2,
                retry_from_ms: 20,
                retry_to_ms: 200,
                pause_seconds: 1,
                attempts: 50,
                ..ChannelConfig::default()
            }],
            lease_seconds: 2,
            unknown_grace_seconds: 2,
            dispatch_concurrency: 16,
            claim_batch: 50,
            expand_page: 100,
            signing_keys_file: folder.path().join("signing-keys"),
            public_url: "https://senani.example".to_owned(),
            poster_store: PosterStore {
                url: folder.path().join("posters").display().to_string(),
                ..PosterStore::default()
            },
            ..Config::default()
        };
        adjust(&mut config);
        App::migrate(&config).await.expect("migrations");
        let options = StoreOptions { max_connections: 2 };
        let store = Store::connect(&config.database_url, &options).await.expect("the database");
        let mut cell = Self {
            register,
            senders,
            units,
            groups,
            simulator: handle,
            gateway,
            config,
            store,
            _database: database,
            _folder: folder,
            _keys: keys,
            running: None,
            url: String::new(),
            _servers: vec![hierarchy, membership],
            _simulator: stop.drop_guard(),
        };
        cell.resume().await;
        cell.wait_for_structure().await;
        cell
    }

    /// Starts the service on the database as it is.
    pub(crate) async fn resume(&mut self) {
        let app = App::build(self.config.clone()).await.expect("an app");
        self.url = format!("http://{}", app.address());
        self.gateway.forward_to(Some(&self.url));
        let stop = CancellationToken::new();
        let run = app.run(stop.clone());
        let task = tokio::spawn(async move { run.await.expect("it runs") });
        self.running = Some((task, stop));
    }

    /// Ends the service as a crash would: whatever it was doing, it does not end it.
    pub(crate) async fn crash(&mut self) {
        self.gateway.forward_to(None);
        let (task, _) = self.running.take().expect("it runs");
        task.abort();
        let _ = task.await;
    }

    /// Ends the service as an operator would.
    pub(crate) async fn stop(&mut self) {
        let (task, stop) = self.running.take().expect("it runs");
        stop.cancel();
        task.await.expect("it ends well");
    }

    /// A store of our own on the service's database.
    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }

    pub(crate) fn channel(&self, subject: Option<&str>) -> Channel {
        let options = ClientOptions { subject: subject.map(str::to_owned), ..ClientOptions::default() };
        connect(&self.url, options).expect("an address")
    }

    pub(crate) fn bulletins(&self, subject: &str) -> BulletinServiceClient<Channel> {
        BulletinServiceClient::new(self.channel(Some(subject)))
    }

    pub(crate) fn deliveries(&self) -> DeliveryServiceClient<Channel> {
        DeliveryServiceClient::new(self.channel(Some("services/gateway")))
    }

    /// What anybody gets who asks the gateway for a path.
    pub(crate) async fn page(&self, path: &str, accept: &str, if_none_match: &str) -> pb::GetPageResponse {
        let mut pages = PublicPageServiceClient::new(self.channel(Some("services/gateway")));
        let request = pb::GetPageRequest {
            path: path.to_owned(),
            accept: accept.to_owned(),
            if_none_match: if_none_match.to_owned(),
            ..pb::GetPageRequest::default()
        };
        pages.get_page(request).await.expect("a page").into_inner()
    }

    pub(crate) fn reports(&self, subject: &str) -> ReportServiceClient<Channel> {
        ReportServiceClient::new(self.channel(Some(subject)))
    }

    pub(crate) fn tasks(&self) -> TaskServiceClient<Channel> {
        TaskServiceClient::new(self.channel(Some(AUTHOR)))
    }

    /// An approved bulletin without a poster.
    pub(crate) async fn approved(&self) -> pb::Bulletin {
        let request = pb::CreateBulletinRequest { bulletin: Some(draft()), request_id: String::new() };
        let bulletin = self.bulletins(AUTHOR).create_bulletin(request).await.expect("a draft").into_inner();
        self.approve(&bulletin.name).await
    }

    /// A draft, submitted and approved.
    pub(crate) async fn approve(&self, name: &str) -> pb::Bulletin {
        let name = name.to_owned();
        let submit = pb::SubmitBulletinRequest { name: name.clone() };
        self.bulletins(AUTHOR).submit_bulletin(submit).await.expect("in review");
        let approve = pb::ApproveBulletinRequest { name, etag: String::new() };
        self.bulletins(APPROVER).approve_bulletin(approve).await.expect("approved").into_inner()
    }

    /// Publishes to a unit and all under it.
    pub(crate) async fn publish(&self, name: &str, unit: &str) -> pb::Publication {
        let request = pb::PublishBulletinRequest {
            name: name.to_owned(),
            audience: Some(audience(&[unit])),
            request_id: String::new(),
        };
        self.bulletins(AUTHOR).publish_bulletin(request).await.expect("a publication").into_inner()
    }

    pub(crate) async fn progress(&self, name: &str) -> pb::WatchProgressResponse {
        let request = pb::WatchProgressRequest { name: name.to_owned() };
        let mut stream = self.bulletins(AUTHOR).watch_progress(request).await.expect("progress").into_inner();
        stream.message().await.expect("progress").expect("one message at least")
    }

    /// Waits until a bulletin is published and every message has had its last receipt, and answers where it then is.
    pub(crate) async fn settled(&self, name: &str) -> pb::WatchProgressResponse {
        eventually(DEADLINE, "every delivery to be delivered, read or failed", async || {
            // The progress last: it is that of the end only when nothing was left before.
            let quiet = self.simulator.witness().pending == 0 && self.inbox_is_empty().await;
            let progress = self.progress(name).await;
            let ended = progress.delivered_count + progress.read_count + progress.failed_count;
            let published = progress.state() == pb::bulletin::State::Published;
            let done = quiet && published && ended == progress.delivery_count;
            done.then_some(progress)
        })
        .await
    }

    pub(crate) async fn inbox_is_empty(&self) -> bool {
        crate::recount::number(&self.store(), "SELECT COUNT(*) FROM receipt_inbox").await == 0
    }

    pub(crate) async fn all_deliveries(&self, name: &str) -> Vec<pb::Delivery> {
        let mut deliveries = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListDeliveriesRequest {
                parent: name.to_owned(),
                page_size: 97,
                page_token,
                ..pb::ListDeliveriesRequest::default()
            };
            let page = self.deliveries().list_deliveries(request).await.expect("a page").into_inner();
            deliveries.extend(page.deliveries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return deliveries;
            }
        }
    }

    async fn wait_for_structure(&self) {
        let store = self.store();
        eventually(DEADLINE, "the structure and the groups to be known", async || {
            // Refused either way: for its unit first, for its texts once the unit is known.
            let bulletin = pb::Bulletin { issuing_unit: "units/eou".to_owned(), ..pb::Bulletin::default() };
            let probe = pb::CreateBulletinRequest { bulletin: Some(bulletin), request_id: String::new() };
            let refused = self.bulletins(AUTHOR).create_bulletin(probe).await.expect_err("it is no draft");
            let known = senani_error::reason_of(&refused).as_deref() == Some("TEXT_MISSING_IN_HINDI");
            known && crate::recount::number(&store, "SELECT COUNT(*) FROM group_replica").await == 6
        })
        .await;
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        if let Some((task, _)) = self.running.take() {
            task.abort();
        }
    }
}

/// A draft that is as it should be.
pub(crate) fn draft() -> pb::Bulletin {
    let texts = |hindi: &str, english: &str| {
        [("hi", hindi), ("en", english)].map(|(tag, text)| (tag.to_owned(), text.to_owned())).into_iter().collect()
    };
    pb::Bulletin {
        issuing_unit: "units/eou".to_owned(),
        category: pb::Category::CyberCrime.into(),
        severity: pb::Severity::Important.into(),
        headlines: texts("नकली कॉल से सावधान", "Beware of false calls"),
        texts: texts("कोई बैंक आपका ओटीपी नहीं माँगता।", "No bank asks for your code."),
        ..pb::Bulletin::default()
    }
}

pub(crate) fn audience(units: &[&str]) -> AudienceSelector {
    let units = units.iter().map(|unit| format!("units/{unit}")).collect();
    AudienceSelector { units, ..AudienceSelector::default() }
}

fn quick() -> senani_simulator::Delays {
    let span = |from, to| senani_simulator::Span { from, to };
    senani_simulator::Delays { sent: span(1, 20), delivered: span(1, 30), read: span(1, 30), repeated: span(1, 20) }
}

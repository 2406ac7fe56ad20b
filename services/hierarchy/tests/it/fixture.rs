//! A hierarchy with its own database on a free port.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use sea_orm::{ConnectionTrait, Statement};
use sea_orm_migration::MigratorTrait;
use senani_client::{Channel, ClientOptions};
use senani_hierarchy::{App, Config, Migrator};
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_proto::eventlog::v1::{Event, SnapshotRequest, SubscribeRequest};
use senani_proto::hierarchy::v1::import_units_request::Piece;
use senani_proto::hierarchy::v1::unit_service_client::UnitServiceClient;
use senani_proto::hierarchy::v1::{
    CreateUnitRequest, GetUnitRequest, ImportUnitsOptions, ImportUnitsRequest, ImportUnitsResponse, Unit, UnitKind,
};
use senani_store::{Store, StoreOptions};
use senani_testkit::{Engine, TestDatabase, database};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

/// The header of a file of units.
pub(crate) const HEADER: &str = "slug,parent,kind,name_en,name_hi,opened_on,certainty,codes\n";

/// A small, right structure.
pub(crate) const STATE: &str = "\
bihar-hq,,state_hq,Headquarters,मुख्यालय,2000-11-15,background,
patna-zone,bihar-hq,zone,Patna Zone,पटना क्षेत्र,2000-11-15,sourced,
patna-range,patna-zone,range,Patna Range,पटना परिक्षेत्र,2000-11-15,sourced,
patna-district,patna-range,district,Patna,पटना,2000-11-15,sourced,lgd:212
";

pub(crate) struct Hierarchy {
    pub(crate) units: UnitServiceClient<Channel>,
    pub(crate) channel: Channel,
    url: String,
    stop: CancellationToken,
    database: TestDatabase,
}

impl Hierarchy {
    pub(crate) async fn start(engine: Engine) -> Self {
        Self::over(database(engine), |_| {}).await
    }

    /// With [`STATE`] imported, and with a part of its configuration.
    pub(crate) async fn configured(engine: Engine, configure: impl FnOnce(&mut Config)) -> Self {
        let mut hierarchy = Self::over(database(engine), configure).await;
        hierarchy.import(&format!("{HEADER}{STATE}"), false).await.expect("imports");
        hierarchy
    }

    /// Over a database that the first release has left, with four units.
    pub(crate) async fn from_first_schema(engine: Engine) -> Self {
        let database = database(engine);
        let url = database.url("hierarchy");
        senani_store::create_database(&url).await.expect("creates");
        let store = Store::connect(&url, &StoreOptions::default()).await.expect("connects");
        Migrator::up(store.reader(), Some(1)).await.expect("migrates");
        let txn = store.begin_write().await.expect("begins");
        let units = [
            ("bihar-hq", None, 1, "2000-11-15"),
            ("patna-zone", Some(0_u128), 4, "1950-01-01"),
            ("gaya-zone", Some(0), 4, "2011-01-01"),
            ("future-zone", Some(0), 4, "2199-01-01"),
        ];
        for (number, (slug, parent, kind, opened)) in (0_u128..).zip(units) {
            let sql = "INSERT INTO unit (id, slug, parent_id, kind, names, codes, opened_on, closed_on, certainty, \
                       version, created_at, updated_at) VALUES ($1, $2, $3, $4, '{}', '{}', $5, '', 0, 1, 0, 0)";
            let id = |number: u128| Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number);
            let parameters = [id(number).into(), slug.into(), parent.map(id).into(), kind.into(), opened.into()];
            let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, parameters);
            txn.execute_raw(statement).await.expect("inserts");
        }
        txn.commit().await.expect("commits");
        drop(store);
        Self::over(database, |_| {}).await
    }

    async fn over(database: TestDatabase, configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database_url: database.url("hierarchy"),
            membership_url: String::new(),
            bulletin_url: String::new(),
            ..Config::default()
        };
        configure(&mut config);
        App::migrate(&config).await.expect("migrates");
        let app = App::build(config).await.expect("builds");
        let options = ClientOptions { subject: Some("officers/tester".to_owned()), ..ClientOptions::default() };
        let url = format!("http://{}", app.address());
        let channel = senani_client::connect(&url, options).expect("an address");
        let stop = CancellationToken::new();
        tokio::spawn(app.run(stop.clone()));
        Self { units: UnitServiceClient::new(channel.clone()), channel, url, stop, database }
    }

    /// With [`STATE`] imported.
    pub(crate) async fn with_state(engine: Engine) -> Self {
        Self::configured(engine, |_| {}).await
    }

    /// The same service, asked by another.
    pub(crate) fn asked_by(&self, subject: &str) -> Channel {
        let options = ClientOptions { subject: Some(subject.to_owned()), ..ClientOptions::default() };
        senani_client::connect(&self.url, options).expect("an address")
    }

    /// The log of requests, as text.
    pub(crate) async fn request_log(&self) -> String {
        let store = Store::connect(&self.database.url("hierarchy"), &StoreOptions::default()).await.expect("connects");
        let db = store.reader();
        let sql = "SELECT fingerprint, response FROM request_log";
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("reads");
        let bytes =
            rows.iter().flat_map(|row| [0, 1].map(|column| row.try_get_by_index::<Vec<u8>>(column).expect("bytes")));
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
    }

    /// What happened so far, and what a snapshot tells.
    pub(crate) async fn events(&self, many: usize) -> (Vec<Event>, Vec<Event>) {
        let mut log = EventLogServiceClient::new(self.channel.clone());
        let mut feed = log.subscribe(SubscribeRequest::default()).await.expect("subscribes").into_inner();
        let mut heard = Vec::new();
        while heard.len() < many {
            heard.extend(feed.message().await.expect("a message").expect("not the end").events);
        }
        let mut snapshot = log.snapshot(SnapshotRequest::default()).await.expect("a snapshot").into_inner();
        let mut told = Vec::new();
        while let Some(message) = snapshot.message().await.expect("a message") {
            told.extend(message.events);
        }
        (heard, told)
    }

    pub(crate) async fn import(
        &mut self,
        file: impl AsRef<[u8]>,
        validate_only: bool,
    ) -> Result<ImportUnitsResponse, Status> {
        let options = Piece::Options(ImportUnitsOptions { validate_only });
        let content = file.as_ref().chunks(1000).map(|bytes| Piece::Content(bytes.to_vec().into()));
        let pieces: Vec<_> =
            [options].into_iter().chain(content).map(|piece| ImportUnitsRequest { piece: Some(piece) }).collect();
        Ok(self.units.import_units(tokio_stream::iter(pieces)).await?.into_inner())
    }

    pub(crate) async fn get(&mut self, name: &str) -> Unit {
        let request = GetUnitRequest { name: name.to_owned(), ..GetUnitRequest::default() };
        self.units.get_unit(request).await.expect("reads").into_inner()
    }

    pub(crate) async fn create(&mut self, request: CreateUnitRequest) -> Result<Unit, Status> {
        Ok(self.units.create_unit(request).await?.into_inner())
    }
}

impl Drop for Hierarchy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A request that is right: a subdivision of the district.
pub(crate) fn subdivision(slug: &str) -> CreateUnitRequest {
    CreateUnitRequest {
        unit: Some(Unit {
            kind: UnitKind::Subdivision.into(),
            parent: "units/patna-district".to_owned(),
            display_names: BTreeMap::from([("hi", "पटना सदर"), ("en", "Patna Sadar")])
                .into_iter()
                .map(|(language, name)| (language.to_owned(), name.to_owned()))
                .collect(),
            ..Unit::default()
        }),
        unit_id: slug.to_owned(),
        ..CreateUnitRequest::default()
    }
}

/// The reason and the fields of a refusal.
pub(crate) fn refusal(status: &Status) -> (String, Vec<String>) {
    let fields = senani_error::violations_of(status).into_iter().map(|violation| violation.field).collect();
    (senani_error::reason_of(status).unwrap_or_default(), fields)
}

/// What a refusal says of a key.
pub(crate) fn metadata(status: &Status, key: &str) -> String {
    use tonic_types::StatusExt as _;
    let info = status.get_details_error_info().expect("a reason");
    info.metadata.get(key).cloned().unwrap_or_default()
}

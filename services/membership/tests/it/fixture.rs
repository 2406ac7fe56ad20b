//! A membership with its own database on a free port, beside a hierarchy that tells a small structure.

use std::net::SocketAddr;
use std::time::Duration;

use senani_client::{Channel, ClientOptions};
use senani_membership::{App, Config};
use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::audience_service_client::AudienceServiceClient;
use senani_proto::membership::v1::group_service_client::GroupServiceClient;
use senani_proto::membership::v1::import_members_request::Piece;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_proto::membership::v1::order_service_client::OrderServiceClient;
use senani_proto::membership::v1::{
    FormGroupsRequest, FormGroupsResponse, Group, GroupAudience, ImportMembersOptions, ImportMembersRequest,
    IssueOrderRequest, ListGroupsRequest, ListRejectedRowsRequest, ListRulesInForceRequest, MemberImport, Order,
    OrderRule, Rank, RowRejection,
};
use senani_store::{Store, StoreOptions};
use senani_testkit::{Engine, TestDatabase, database, eventually};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use crate::hierarchy;

/// The header of a file of members.
pub(crate) const HEADER: &str = "name_hi,name_en,phone,unit,category,rank,gender,language,role,consent\n";

pub(crate) struct Membership {
    pub(crate) orders: OrderServiceClient<Channel>,
    pub(crate) groups: GroupServiceClient<Channel>,
    pub(crate) members: MemberServiceClient<Channel>,
    /// As the bulletin service calls.
    pub(crate) audience: AudienceServiceClient<Channel>,
    /// As an officer calls.
    pub(crate) officer: Channel,
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) address: SocketAddr,
    /// The hierarchy that it follows.
    pub(crate) hierarchy: hierarchy::Teller,
    stop: CancellationToken,
    _database: TestDatabase,
    _keys: tempfile::TempDir,
}

impl Membership {
    pub(crate) async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {}).await
    }

    pub(crate) async fn start_with(engine: Engine, adjust: impl FnOnce(&mut Config)) -> Self {
        let database = database(engine);
        let keys = tempfile::tempdir().expect("a temporary directory");
        let stop = CancellationToken::new();
        let (hierarchy_url, hierarchy) = hierarchy::serve(stop.clone());
        let mut config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database_url: database.url("membership"),
            hierarchy_url,
            keys_file: keys.path().join("keys"),
            ..Config::default()
        };
        adjust(&mut config);
        App::migrate(&config).await.expect("migrates");
        let app = App::build(config.clone()).await.expect("builds");
        let address = app.address();
        tokio::spawn(app.run(stop.clone()));
        let officer = connect(address, "officers/tester");
        let store = Store::connect(&config.database_url, &StoreOptions { max_connections: 2 }).await.expect("connects");
        let membership = Self {
            orders: OrderServiceClient::new(officer.clone()),
            groups: GroupServiceClient::new(officer.clone()),
            members: MemberServiceClient::new(officer.clone()),
            audience: AudienceServiceClient::new(connect(address, "services/bulletin")),
            officer,
            store,
            config,
            address,
            hierarchy,
            stop,
            _database: database,
            _keys: keys,
        };
        membership.heard_structure().await;
        for slug in ["notice-1", "notice-2"] {
            crate::persons::publish(&membership, slug).await;
        }
        membership
    }

    async fn heard_structure(&self) {
        let client = self.orders.clone();
        eventually(Duration::from_secs(20), "membership to hear the structure", async || {
            let request = ListRulesInForceRequest { unit: "units/gaya-ps".to_owned(), ..Default::default() };
            client.clone().list_rules_in_force(request).await.is_ok()
        })
        .await;
    }

    /// With the order of 2020 and all its groups.
    pub(crate) async fn with_groups(engine: Engine) -> Self {
        Self::with_groups_and(engine, |_| {}).await
    }

    pub(crate) async fn with_groups_and(engine: Engine, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut membership = Self::start_with(engine, adjust).await;
        membership.orders.issue_order(issue("order-2020", order("2020-05-20"))).await.expect("issues");
        membership.form("units/bihar-hq").await.expect("forms");
        membership
    }

    pub(crate) async fn form(&mut self, unit: &str) -> Result<FormGroupsResponse, Status> {
        let request = FormGroupsRequest { unit: unit.to_owned(), ..Default::default() };
        Ok(self.groups.form_groups(request).await?.into_inner())
    }

    pub(crate) async fn group(&mut self, slug: &str) -> Group {
        let request = senani_proto::membership::v1::GetGroupRequest { name: format!("groups/{slug}") };
        self.groups.get_group(request).await.expect("a group").into_inner()
    }

    pub(crate) async fn all_groups(&mut self) -> Vec<Group> {
        let request = ListGroupsRequest { page_size: 500, ..Default::default() };
        self.groups.list_groups(request).await.expect("groups").into_inner().groups
    }

    pub(crate) async fn import(&self, file: impl AsRef<[u8]>) -> Result<MemberImport, Status> {
        self.import_as(Uuid::new_v4(), file).await
    }

    pub(crate) async fn import_as(&self, id: Uuid, file: impl AsRef<[u8]>) -> Result<MemberImport, Status> {
        import(self.members.clone(), pieces(&id.to_string(), file.as_ref())).await
    }

    /// Line, column and reason of every rejected row.
    pub(crate) async fn rejected(&self, import: &MemberImport) -> Vec<(i64, String, RowRejection)> {
        let mut rows = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListRejectedRowsRequest { name: import.name.clone(), page_size: 3, page_token };
            let page = self.members.clone().list_rejected_rows(request).await.expect("rows").into_inner();
            rows.extend(page.rows.into_iter().map(|row| {
                let reason = row.reason();
                (row.line, row.column, reason)
            }));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return rows;
            }
        }
    }

    /// The one number that a query answers.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        use sea_orm::{ConnectionTrait as _, Statement};
        let db = self.store.reader();
        let statement = Statement::from_string(self.store.backend(), sql);
        let row = db.query_one_raw(statement).await.expect("the query runs").expect("a row");
        row.try_get_by_index(0).expect("a number")
    }

    /// Changes the database behind the service's back.
    pub(crate) async fn execute(&self, sql: &str) {
        use sea_orm::ConnectionTrait as _;
        self.store.reader().execute_unprepared(sql).await.expect("the statement runs");
    }

    /// What would differ if anything had happened.
    pub(crate) async fn state(&self) -> [i64; 9] {
        let mut state = [0; 9];
        for (count, table) in state.iter_mut().zip([
            "issued_order",
            "member_group",
            "member",
            "member_key",
            "member_identifier",
            "member_consent",
            "enrolment",
            "member_import",
            "event_log",
        ]) {
            *count = self.number(&format!("SELECT COUNT(*) FROM {table}")).await;
        }
        state
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn connect(address: SocketAddr, subject: &str) -> Channel {
    let options = ClientOptions { subject: Some(subject.to_owned()), ..ClientOptions::default() };
    senani_client::connect(&format!("http://{address}"), options).expect("an address")
}

/// The messages of an import: the options, then the file in pieces that fit no row.
pub(crate) fn pieces(id: &str, file: &[u8]) -> Vec<ImportMembersRequest> {
    let options =
        Piece::Options(ImportMembersOptions { import_id: id.to_owned(), notice_version: "notice-1".to_owned() });
    let content = file.chunks(100_003).map(|bytes| Piece::Content(bytes.to_vec().into()));
    [options].into_iter().chain(content).map(|piece| ImportMembersRequest { piece: Some(piece) }).collect()
}

/// Sends messages and reads to the end; the last report.
pub(crate) async fn import(
    mut members: MemberServiceClient<Channel>,
    messages: Vec<ImportMembersRequest>,
) -> Result<MemberImport, Status> {
    let mut reports = members.import_members(tokio_stream::iter(messages)).await?.into_inner();
    let mut rows = 0;
    while let Some(report) = reports.message().await? {
        let progress = report.progress.expect("a report has progress");
        assert!(progress.row_count >= rows, "progress goes forward");
        assert_eq!(progress.row_count, progress.accepted_count + progress.rejected_count);
        rows = progress.row_count;
        if report.done {
            assert!(progress.complete);
            return Ok(progress);
        }
        assert!(!progress.complete);
    }
    panic!("the stream ended without `done`");
}

pub(crate) fn issue(slug: &str, order: Order) -> IssueOrderRequest {
    IssueOrderRequest { order: Some(order), order_id: slug.to_owned(), ..Default::default() }
}

/// A right order, in force from a date: what that of 2020 says, for the small structure.
pub(crate) fn order(date: &str) -> Order {
    Order {
        number: "1/2020".to_owned(),
        titles: [("hi".to_owned(), "आदेश".to_owned())].into(),
        issue_date: date.to_owned(),
        effective_date: date.to_owned(),
        rules: vec![
            rule(UnitKind::Station, GroupAudience::Community, 200),
            rule(UnitKind::Outpost, GroupAudience::Community, 100),
            rule(UnitKind::Wing, GroupAudience::Apex, 20),
            OrderRule {
                ranks: vec![Rank::Constable.into(), Rank::Havildar.into()],
                ..rule(UnitKind::DistrictPoliceCentre, GroupAudience::PoliceRank, 200)
            },
            rule(UnitKind::DistrictPoliceCentre, GroupAudience::WomenPolice, 100),
            OrderRule { required: false, ..rule(UnitKind::Subdivision, GroupAudience::Community, 200) },
        ],
        ..Order::default()
    }
}

/// A required rule with room for 1,024.
pub(crate) fn rule(kind: UnitKind, audience: GroupAudience, min: i32) -> OrderRule {
    OrderRule {
        unit_kind: kind.into(),
        audience: audience.into(),
        required: true,
        min,
        target: min,
        split_at: 900,
        max: 1024,
        ..OrderRule::default()
    }
}

/// A row of a public member who consents, with the exercise number of this number.
pub(crate) fn public(number: u32, unit: &str) -> String {
    format!("नाम {number},Name {number},10{number:08},units/{unit},teacher,,male,hi,member,yes\n")
}

/// A row of a police member who consents.
pub(crate) fn police(number: u32, unit: &str, rank: &str, gender: &str, role: &str) -> String {
    format!("नाम {number},Name {number},10{number:08},{unit},police,{rank},{gender},hi,{role},yes\n")
}

/// A file of public members, spread over units.
pub(crate) fn file(numbers: std::ops::Range<u32>, units: &[&str]) -> String {
    let rows = numbers.map(|number| public(number, units[number as usize % units.len()]));
    HEADER.to_owned() + &rows.collect::<String>()
}

/// The reason and the fields of a refusal.
pub(crate) fn refusal(status: &Status) -> (String, Vec<String>) {
    let fields = senani_error::violations_of(status).into_iter().map(|violation| violation.field).collect();
    (senani_error::reason_of(status).unwrap_or_default(), fields)
}

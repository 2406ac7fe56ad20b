//! The register as a whole: nothing personal where it does not belong, sizes that a recount confirms, a restart.

use std::os::unix::fs::PermissionsExt as _;

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use senani_membership::App;
use senani_proto::membership::v1::FindMemberByPhoneRequest;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_testkit::engines;
use tokio_util::sync::CancellationToken;

use crate::fixture::{HEADER, Membership, connect, file, police, public};

/// Everything in every table as text, bytes in hexadecimal.
pub(crate) async fn dump(membership: &Membership) -> String {
    let (db, backend) = (membership.store.reader(), membership.store.backend());
    let query = async |sql: String| {
        let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.expect("the query runs");
        rows.iter().map(|row| row.try_get_by_index::<String>(0).expect("text")).collect::<Vec<_>>()
    };
    let tables = match backend {
        DbBackend::Postgres => "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
        _ => "SELECT name FROM sqlite_master WHERE type = 'table'",
    };
    let mut dump = String::new();
    let tables = query(tables.to_owned()).await;
    assert!(tables.len() > 10, "{tables:?}");
    for table in tables {
        let rows = if backend == DbBackend::Postgres {
            query(format!("SELECT t::text FROM {table} t")).await
        } else {
            let columns = query(format!("SELECT name FROM pragma_table_info('{table}')")).await;
            let columns: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
            query(format!("SELECT {} FROM {table}", columns.join(" || ',' || "))).await
        };
        dump.push_str(&rows.join("\n"));
    }
    dump
}

#[tokio::test]
async fn neither_a_name_nor_a_number_nor_an_address_is_in_any_table_in_clear() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let canary = "1087654321";
        let rows = [
            HEADER.replace('\n', ",household\n"),
            format!("कैनरी,Canary,+91 {canary},kotwali-ps,doctor,,female,hi,member,yes,Birdhouse 7\n"),
            // Rejected rows leave nothing behind either.
            format!("कैनरी,Canary,{canary},kotwali-ps,doctor,,female,hi,member,yes,Birdhouse 7\n"),
            format!("कैनरी,Canary,{canary}1,kotwali-ps,doctor,,female,hi,member,yes,Birdhouse 7\n"),
            "कैनरी,,1087654322,kotwali-ps,doctor,,male,hi,member,no,BIRDHOUSE-7\n".to_owned(),
            "कैनरी,,1087654323,gaya-ps,doctor,,male,hi,member,no,Birdhouse 7\n".to_owned(),
            "कैनरी,,1087654324,kotwali-ps,doctor,,male,hi,member,no,\n".to_owned(),
        ];
        let done = membership.import(rows.concat()).await.expect("imports");
        assert_eq!((done.accepted_count, done.rejected_count), (4, 2));
        let request = FindMemberByPhoneRequest { phone: canary.to_owned() };
        let member = membership.members.find_member_by_phone(request).await.expect("is there").into_inner();
        assert_eq!((member.display_names["hi"].as_str(), member.display_names["en"].as_str()), ("कैनरी", "Canary"));
        let dump = dump(&membership).await.to_lowercase();
        let id = member.name.trim_start_matches("members/");
        assert!([id.to_owned(), id.replace('-', "")].iter().any(|id| dump.contains(id)), "the dump holds the member");
        for secret in [canary, "canary", "कैनरी", "birdhouse"] {
            let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            for form in [secret, &hexadecimal] {
                assert!(!dump.contains(form), "what nobody may read is in the database as {form}");
            }
        }
        let households =
            "SELECT COUNT(DISTINCT household) * 10 + COUNT(household) FROM member WHERE length(household) = 16";
        assert_eq!(membership.number(households).await, 23, "two live together, a third in another unit");
        let mode = std::fs::metadata(&membership.config.keys_file).expect("the keys").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn sizes_counts_and_consents_agree_with_a_recount_by_hand() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let women: String =
            (5_000..5_100).map(|number| police(number, "patna-centre", "constable", "female", "member")).collect();
        let officers = police(6_000, "kotwali-ps", "sub_inspector", "male", "custodian") + &public(6_001, "nowhere-ps");
        let csv = file(0..2_500, &["kotwali-ps", "gaya-ps", "kotwali-op"]) + &women + &officers;
        let done = membership.import(csv).await.expect("imports");

        assert_eq!(membership.number("SELECT COUNT(*) FROM member").await, done.accepted_count);
        assert_eq!(membership.number("SELECT COUNT(*) FROM rejected_row").await, done.rejected_count);
        assert_eq!(membership.number("SELECT COUNT(*) FROM enrolment").await, done.enrolment_count);
        let wrong_sizes = "SELECT COUNT(*) FROM member_group g WHERE g.enrolled_count <> \
            (SELECT COUNT(*) FROM enrolment e WHERE e.group_id = g.id AND e.ended_at = 0)";
        assert_eq!(membership.number(wrong_sizes).await, 0);
        let without_consent = "SELECT COUNT(*) FROM member m WHERE m.consents AND NOT EXISTS \
            (SELECT 1 FROM member_consent c WHERE c.member_id = m.id AND c.consents)";
        assert_eq!(membership.number(without_consent).await, 0);
        let homeless = "SELECT COUNT(*) FROM enrolment e WHERE NOT EXISTS (SELECT 1 FROM member m WHERE m.id = e.member_id) \
            OR NOT EXISTS (SELECT 1 FROM member_group g WHERE g.id = e.group_id)";
        assert_eq!(membership.number(homeless).await, 0);
        let custodians = "SELECT COUNT(*) FROM member_group g JOIN enrolment e ON e.group_id = g.id \
            AND e.member_id = g.primary_custodian WHERE e.role = 2";
        assert_eq!(membership.number(custodians).await, 1);
    }
}

#[tokio::test]
async fn after_a_restart_without_hierarchy_the_structure_and_the_numbers_are_still_known() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        membership.import(file(0..5, &["kotwali-ps"])).await.expect("imports");
        // Nobody listens there.
        let config =
            senani_membership::Config { hierarchy_url: "http://127.0.0.1:9".into(), ..membership.config.clone() };
        let app = App::build(config).await.expect("builds");
        let mut second = MemberServiceClient::new(connect(app.address(), "officers/tester"));
        let stop = CancellationToken::new();
        let running = tokio::spawn(app.run(stop.clone()));
        let request = FindMemberByPhoneRequest { phone: "1000000003".to_owned() };
        let member = second.find_member_by_phone(request).await.expect("is there").into_inner();
        assert_eq!((member.unit.as_str(), member.masked_phone.as_str()), ("units/kotwali-ps", "+91 ••••••0003"));
        stop.cancel();
        running.await.expect("ends").expect("without an error");
    }
}

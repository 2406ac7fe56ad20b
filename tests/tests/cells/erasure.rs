//! The end of a person in the whole cell: after a rotation of the key, after a bulletin that reached them.

use bytes::Bytes;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_proto::membership::v1::privacy_service_client::PrivacyServiceClient;
use senani_proto::membership::v1::{
    ErasePersonRequest, ErasureReason, ExportPersonRequest, FindMemberByPhoneRequest, GetKeyStatusRequest,
    RevealPhoneRequest,
};
use senani_testkit::{engines, eventually};
use senani_tests::dump::{dump, hexadecimal};
use senani_tests::material::DISTRICT;
use senani_tests::recount::{get, rows};
use senani_tests::{Cell, PATIENCE, Service, Start};
use uuid::Uuid;

/// The one who is erased comes first: a name and a number that nothing else contains.
const MEMBERS: &str = "\
name_hi,name_en,phone,unit,category,rank,gender,language,role,consent,household
कनकलता कोकिला,Kanaklata Kokila,+91 10777 00001,units/patna-kotwali-ps,teacher,,female,hi,member,yes,Nightingale 7
चिरंजीव चकोर,Chiranjeev Chakor,1077800002,units/patna-kotwali-ps,farmer,,male,en,member,yes,Nightingale 7
पपीहा पलाश,Papiha Palash,01077800003,units/patna-kotwali-ps,police,sub_inspector,male,hi,custodian,yes,
";
const CANARIES: [&str; 5] = ["कनकलता", "Kanaklata", "1077700001", "Nightingale", "nightingale"];

/// The services that have a database.
const WITH_DATABASE: [Service; 4] = [Service::Hierarchy, Service::Membership, Service::Bulletin, Service::Analytics];

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_no_database_and_no_log_yields_the_person_and_the_counts_stay_right() {
    for engine in engines() {
        let start = Start { log: Some("debug".to_owned()), ..Start::default() };
        let mut cell = Cell::start_with(engine, start).await;
        let desk = cell.desk();
        desk.found().await;
        let import = desk.import_members(Uuid::now_v7(), &Bytes::from_static(MEMBERS.as_bytes())).await;
        assert_eq!(import.accepted_count, 3, "{engine}: {import:?}");
        let bulletin = desk.approved_bulletin("सावधान").await;
        desk.publish(&bulletin, DISTRICT).await.expect("it is approved");
        let progress = cell.settled(&bulletin).await;
        assert_eq!(progress.delivery_count, 3, "{engine}");
        let before = desk.reached(&bulletin, &progress).await;

        rotate(&cell).await;

        let mut members = MemberServiceClient::new(desk.author());
        let by_phone = FindMemberByPhoneRequest { phone: "1077700001".to_owned() };
        let member = members.find_member_by_phone(by_phone.clone()).await.expect("is there").into_inner();
        let uid: Uuid = member.name.trim_start_matches("members/").parse().expect("an id");
        let mut privacy = PrivacyServiceClient::new(desk.author());
        let (name, reason) = (member.name.clone(), "Kanaklata asks what is known of her".to_owned());
        let reveal = RevealPhoneRequest { name: name.clone(), reason: reason.clone() };
        let phone = privacy.reveal_phone(reveal).await.expect("reveals").into_inner().phone;
        assert_eq!(phone, "+911077700001", "{engine}");
        let export = privacy.export_person(ExportPersonRequest { name: name.clone(), reason }).await;
        assert_eq!(export.expect("exports").into_inner().identifiers[0].value, phone, "{engine}");
        let traces = traces(&cell, uid).await;

        let erase = ErasePersonRequest { name, reason: ErasureReason::Request.into(), ..Default::default() };
        let receipt = privacy.erase_person(erase).await.expect("erases").into_inner();
        assert_eq!(receipt.groups, ["groups/patna-kotwali-ps-community"], "{engine}");
        members.find_member_by_phone(by_phone).await.expect_err("nobody has this number");

        // The station has one less, everywhere; the past stays as it was.
        desk.covered(import.enrolment_count - 1).await;
        let next = desk.approved_bulletin("सावधान फिर").await;
        desk.publish(&next, DISTRICT).await.expect("it is approved");
        assert_eq!(cell.settled(&next).await.delivery_count, 2, "{engine}");
        assert_eq!(desk.reached(&bulletin, &progress).await.figures, before.figures, "{engine}");

        cell.stop_all().await;
        for service in WITH_DATABASE {
            let everything = dump(&cell.database(service).await).await;
            for trace in &traces {
                assert!(!everything.contains(trace), "{engine}: {} still has {trace}", service.name());
            }
        }
        let said = cell.output().join("\n").to_lowercase();
        assert!(said.contains("debug"), "the log is a full one");
        for canary in CANARIES {
            assert!(!said.contains(&canary.to_lowercase()), "{engine}: a log says {canary}");
        }
    }
}

/// Changes the cell's key by the command line while everything runs, and drops the old version once nothing needs it.
async fn rotate(cell: &Cell) {
    let (said, well) = cell.key_command(&["rotate"]).await;
    assert!(well && said.contains("version 2"), "{said}");
    let (said, well) = cell.key_command(&["drop", "--version", "1"]).await;
    assert!(!well, "it still wraps three keys: {said}");
    let mut privacy = PrivacyServiceClient::new(cell.desk().author());
    eventually(PATIENCE, "the members' keys to be wrapped again", async || {
        let status = privacy.get_key_status(GetKeyStatusRequest {}).await.expect("a status").into_inner();
        status.versions.iter().map(|version| (version.version, version.key_count)).eq([(1, 0), (2, 3)])
    })
    .await;
    let (said, well) = cell.key_command(&["show"]).await;
    assert!(well && said.contains("2  3  (wraps new keys)"), "{said}");
    let (said, well) = cell.key_command(&["drop", "--version", "1"]).await;
    assert!(well, "{said}");
}

/// What must not be found afterwards: in clear, in hexadecimal, and as the register kept it.
async fn traces(cell: &Cell, uid: Uuid) -> Vec<String> {
    let mut traces: Vec<String> = Vec::new();
    for canary in CANARIES {
        traces.extend([canary.to_lowercase(), hexadecimal(canary.as_bytes())]);
    }
    let membership = cell.database(Service::Membership).await;
    let kept = "SELECT k.member_id, k.wrapped, i.value_sealed, i.value_index, m.names_sealed FROM member_key k \
                JOIN member_identifier i ON i.member_id = k.member_id JOIN member m ON m.id = k.member_id";
    let rows = rows(&membership, kept).await;
    let row = rows.iter().find(|row| get::<Uuid>(row, 0) == uid).expect("the member is kept");
    traces.extend((1..5).map(|column| hexadecimal(&get::<Vec<u8>>(row, column))));
    let everything = dump(&membership).await;
    assert!(traces[10..].iter().all(|trace| everything.contains(trace)), "a dump shows what is kept");
    traces
}

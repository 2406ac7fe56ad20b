//! Who sees what of a person, and their end in the register.

use std::path::Path;

use bytes::Bytes;
use sea_orm::{ConnectionTrait as _, Statement};
use senani_client::Channel;
use senani_proto::eventlog::v1::SubscribeRequest;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_proto::membership::v1::address::Refusal;
use senani_proto::membership::v1::audit_entry::Action;
use senani_proto::membership::v1::erasure_receipt::{destroyed, remaining};
use senani_proto::membership::v1::member::State;
use senani_proto::membership::v1::membership_event::Kind;
use senani_proto::membership::v1::privacy_service_client::PrivacyServiceClient;
use senani_proto::membership::v1::{
    AddIdentifierRequest, ApplyRequest, AuditEntry, ErasePersonRequest, ErasureReason, ErasureReceipt,
    ExportPersonRequest, FindMemberByPhoneRequest, GetMemberRequest, IdentifierKind, ListAuditEntriesRequest,
    ListMemberHistoryRequest, ListMembersRequest, Member, MemberAct, MergeMembersRequest, OpenAddressesRequest,
    RecordConsentRequest, ReinstateMemberRequest, RevealPhoneRequest, RowRejection, SuspendMemberRequest,
    SuspensionReason,
};
use senani_testkit::engines;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::fixture::{HEADER, Membership, file, police, public, refusal};
use crate::persons::{apply, teacher};
use crate::register::dump;

const PHONE: &str = "1087654321";
const WHY: &str = "calls back about the report of Canary";

fn privacy(membership: &Membership) -> PrivacyServiceClient<Channel> {
    PrivacyServiceClient::new(membership.officer.clone())
}

/// A cell with the person of this test, and others around them.
async fn with_canary(engine: senani_testkit::Engine) -> (Membership, Member) {
    let mut membership = Membership::with_groups(engine).await;
    membership.import(file(0..50, &["kotwali-ps", "gaya-ps"])).await.expect("imports");
    let canary = HEADER.replace('\n', ",household\n")
        + &format!("कैनरी,Canary,+91 {PHONE},kotwali-ps,doctor,,female,hi,member,yes,Birdhouse 7\n");
    membership.import(canary).await.expect("imports");
    let request = FindMemberByPhoneRequest { phone: PHONE.to_owned() };
    let member = membership.members.find_member_by_phone(request).await.expect("is there").into_inner();
    (membership, member)
}

async fn audit(membership: &Membership, parent: &str) -> Vec<AuditEntry> {
    let mut entries = Vec::new();
    let mut request = ListAuditEntriesRequest { parent: parent.to_owned(), page_size: 2, ..Default::default() };
    loop {
        let page = privacy(membership).list_audit_entries(request.clone()).await.expect("a page").into_inner();
        entries.extend(page.audit_entries);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return entries;
        }
    }
}

fn erase(name: &str) -> ErasePersonRequest {
    ErasePersonRequest {
        name: name.to_owned(),
        reason: ErasureReason::Request.into(),
        reference: "EOU/2026/0042".to_owned(),
        ..Default::default()
    }
}

fn reveal(name: &str, reason: &str) -> RevealPhoneRequest {
    RevealPhoneRequest { name: name.to_owned(), reason: reason.to_owned() }
}

#[tokio::test]
async fn a_number_is_revealed_for_a_reason_and_each_time_it_is_in_the_audit() {
    for engine in engines() {
        let (membership, member) = with_canary(engine).await;
        let mut privacy = privacy(&membership);
        for wrong in ["", "because", "    short     ", &"x".repeat(501)] {
            let status = privacy.reveal_phone(reveal(&member.name, wrong)).await.expect_err("no reason");
            assert_eq!(refusal(&status), ("DISCLOSURE_REASON_INVALID".into(), vec!["reason".into()]));
        }
        let nobody = format!("members/{}", Uuid::new_v4());
        let status = privacy.reveal_phone(reveal(&nobody, WHY)).await.expect_err("nobody");
        assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, "MEMBER_NOT_FOUND".into()));
        assert!(audit(&membership, "members/-").await.is_empty(), "what was refused discloses nothing");

        for time in 1..=3 {
            let why = format!("{WHY} {time}");
            let answer = privacy.reveal_phone(reveal(&member.name, &why)).await.expect("reveals").into_inner();
            assert_eq!(answer.phone, format!("+91{PHONE}"));
        }
        for parent in [member.name.as_str(), "members/-"] {
            let entries = audit(&membership, parent).await;
            let seen: Vec<_> =
                entries.iter().map(|entry| (entry.action(), entry.subject.as_str(), entry.reason.as_str())).collect();
            let expected = [3, 2, 1].map(|time| format!("{WHY} {time}"));
            let expected: Vec<_> =
                expected.iter().map(|why| (Action::PhoneRevealed, "officers/tester", why.as_str())).collect();
            assert_eq!(seen, expected);
            assert!(entries.iter().all(|entry| entry.member == member.name && entry.create_time.is_some()));
        }
        assert!(audit(&membership, &nobody).await.is_empty());
        let request = ListAuditEntriesRequest { parent: "members/x".into(), ..Default::default() };
        assert_eq!(refusal(&privacy.list_audit_entries(request).await.expect_err("no name")).0, "NAME_INVALID");
    }
}

#[tokio::test]
async fn an_export_holds_everything_of_a_person_and_itself() {
    for engine in engines() {
        let (mut membership, member) = with_canary(engine).await;
        for consents in [false, true] {
            let request =
                RecordConsentRequest { name: member.name.clone(), consents, notice_version: "notice-2".into() };
            membership.members.record_consent(request).await.expect("records");
        }
        let mut privacy = privacy(&membership);
        privacy.reveal_phone(reveal(&member.name, WHY)).await.expect("reveals");
        let request = |reason: &str| ExportPersonRequest { name: member.name.clone(), reason: reason.to_owned() };
        let status = privacy.export_person(request("x")).await.expect_err("no reason");
        assert_eq!(refusal(&status).0, "DISCLOSURE_REASON_INVALID");
        let export = privacy.export_person(request("the person asks for it")).await.expect("exports").into_inner();

        let shown = export.member.expect("a member");
        assert_eq!((&shown.display_names, shown.state()), (&member.display_names, State::Active));
        assert_eq!((shown.verifier.as_str(), export.household_known), ("officers/tester", true));
        let acts: Vec<_> = export.history.iter().map(|event| event.act()).collect();
        assert_eq!(acts, [MemberAct::Imported]);
        assert_eq!(export.identifiers.len(), 1);
        let identifier = &export.identifiers[0];
        assert_eq!((identifier.kind(), identifier.value.as_str()), (IdentifierKind::Phone, "+911087654321"));
        assert!(identifier.start_time.is_some() && identifier.end_time.is_none());
        let consents: Vec<_> = export.consents.iter().map(|consent| (consent.given, consent.notice.as_str())).collect();
        assert_eq!(consents, [(true, "notices/notice-1"), (false, "notices/notice-2"), (true, "notices/notice-2")]);
        let groups: Vec<_> = export.enrolments.iter().map(|enrolment| enrolment.group.as_str()).collect();
        assert_eq!(groups, ["groups/kotwali-ps-community"]);
        let actions: Vec<_> =
            export.audit_entries.iter().map(|entry| (entry.action(), entry.reason.as_str())).collect();
        assert_eq!(actions, [(Action::PhoneRevealed, WHY), (Action::PersonExported, "the person asks for it")]);
    }
}

/// The bytes of some rows, in hexadecimal.
async fn hexadecimal(membership: &Membership, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(membership.store.backend(), sql);
    let rows = membership.store.reader().query_all_raw(statement).await.expect("the query runs");
    rows.iter().map(|row| hex(&row.try_get_by_index::<Vec<u8>>(0).expect("bytes"))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an SQLite database has on the disk, its log included, in hexadecimal.
fn files(url: &str) -> String {
    let path = url.trim_start_matches("sqlite://").split('?').next().expect("a path");
    ["", "-wal"]
        .map(|ending| std::fs::read(Path::new(&format!("{path}{ending}"))).unwrap_or_default())
        .map(|file| hex(&file))
        .concat()
}

#[tokio::test]
async fn after_an_erasure_nothing_leads_to_the_person() {
    for engine in engines() {
        let (mut membership, member) = with_canary(engine).await;
        let mut privacy = privacy(&membership);
        privacy.reveal_phone(reveal(&member.name, WHY)).await.expect("reveals");
        let export = ExportPersonRequest { name: member.name.clone(), reason: WHY.to_owned() };
        privacy.export_person(export.clone()).await.expect("exports");
        let size = membership.group("kotwali-ps-community").await.enrolled_count;
        let uid: Uuid = member.name.trim_start_matches("members/").parse().expect("an id");
        let mut traces = Vec::new();
        for (column, table) in [
            ("wrapped", "member_key"),
            ("value_sealed", "member_identifier"),
            ("value_index", "member_identifier"),
            ("names_sealed", "member"),
            ("household", "member"),
        ] {
            let key = if table == "member" { "id" } else { "member_id" };
            let id = if membership.store.backend() == sea_orm::DbBackend::Postgres {
                format!("'{uid}'")
            } else {
                format!("x'{}'", hex(uid.as_bytes()))
            };
            let found = hexadecimal(&membership, &format!("SELECT {column} FROM {table} WHERE {key} = {id}")).await;
            assert!(!found.is_empty() && found.iter().all(|trace| trace.len() >= 32), "{column}");
            traces.extend(found);
        }
        for secret in [PHONE, "Canary", "कैनरी", "Birdhouse", "birdhouse"] {
            traces.extend([secret.to_lowercase(), hex(secret.as_bytes())]);
        }

        let before = dump(&membership).await;
        let plan = ErasePersonRequest { validate_only: true, ..erase(&member.name) };
        let plan = privacy.erase_person(plan).await.expect("a plan").into_inner();
        assert_eq!(dump(&membership).await, before, "a plan changes nothing");
        assert_eq!(plan.erase_time, None);
        let receipt = privacy.erase_person(erase(&member.name)).await.expect("erases").into_inner();
        assert_eq!(ErasureReceipt { erase_time: None, ..receipt.clone() }, plan);

        let destroyed: Vec<_> = receipt.destroyed.iter().map(|part| (part.thing(), part.count)).collect();
        use destroyed::Thing as Gone;
        let expected = [
            (Gone::DataKey, 1),
            (Gone::Names, 1),
            (Gone::Identifiers, 1),
            (Gone::Attributes, 1),
            (Gone::DisclosureReasons, 2),
            (Gone::HistoryMarks, 0),
        ];
        assert_eq!(destroyed, expected);
        let remaining: Vec<_> = receipt.remaining.iter().map(|part| (part.thing(), part.count)).collect();
        use remaining::Thing as Left;
        assert_eq!(
            remaining,
            [(Left::Id, 1), (Left::Consents, 2), (Left::Enrolments, 1), (Left::Audit, 3), (Left::History, 0)]
        );
        assert_eq!(receipt.groups, ["groups/kotwali-ps-community"]);
        assert_eq!((receipt.reason(), receipt.reference.as_str()), (ErasureReason::Request, "EOU/2026/0042"));

        // Nothing of them is in any table, nor in the log of events, nor in what SQLite has on the disk.
        let everything = dump(&membership).await.to_lowercase();
        assert!([uid.to_string(), hex(uid.as_bytes())].iter().any(|id| everything.contains(id)), "the id is left");
        for trace in &traces {
            assert!(!everything.contains(trace), "left in the database: {trace}");
        }
        if engine == senani_testkit::Engine::Sqlite {
            let on_disk = files(&membership.config.database_url);
            assert!(on_disk.contains(&hex(uid.as_bytes())), "the files are those of the database");
            for trace in &traces {
                assert!(!on_disk.contains(trace), "left on the disk: {trace}");
            }
        }

        // No call yields them either.
        let get = GetMemberRequest { name: member.name.clone() };
        let shown = membership.members.get_member(get).await.expect("the id is known").into_inner();
        let nothing = Member {
            name: member.name.clone(),
            state: State::Erased.into(),
            create_time: member.create_time,
            etag: shown.etag.clone(),
            ..Default::default()
        };
        assert_eq!(shown, nothing);
        let by_phone = || FindMemberByPhoneRequest { phone: PHONE.to_owned() };
        let status = membership.members.find_member_by_phone(by_phone()).await.expect_err("nobody");
        assert_eq!(refusal(&status).0, "MEMBER_NOT_FOUND");
        let all = ListMembersRequest { page_size: 500, ..Default::default() };
        let listed = membership.members.list_members(all).await.expect("lists").into_inner().members;
        assert!(listed.len() == 50 && listed.iter().all(|other| other.name != member.name));
        let status = privacy.reveal_phone(reveal(&member.name, WHY)).await.expect_err("erased");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "MEMBER_ERASED".into()));
        let ids = OpenAddressesRequest { member_uids: vec![Bytes::copy_from_slice(uid.as_bytes())] };
        let address = membership.audience.open_addresses(ids).await.expect("answers").into_inner().addresses.remove(0);
        assert_eq!((address.phone.as_str(), address.refusal()), ("", Refusal::MemberGone));
        let left = privacy.export_person(export).await.expect("what is left").into_inner();
        assert_eq!((left.member, left.history.len(), left.identifiers.len()), (Some(nothing), 0, 0));
        assert_eq!((left.consents.len(), left.enrolments.len(), left.household_known), (2, 1, false));
        assert!(left.enrolments[0].end_time.is_some() && !left.consents[1].given);
        assert!(left.audit_entries.iter().all(|entry| entry.reason.is_empty()));

        // The group is one smaller, who follows the events hears it, and the number may come again.
        assert_eq!(membership.group("kotwali-ps-community").await.enrolled_count, size - 1);
        assert_eq!(told_of(&membership).await, [uid]);
        let again = privacy.erase_person(ErasePersonRequest { reference: String::new(), ..erase(&member.name) });
        assert_eq!(again.await.expect("answers").into_inner(), receipt);
        let anew = format!("{HEADER}नया,New,{PHONE},kotwali-ps,doctor,,female,hi,member,yes\n");
        assert_eq!(membership.import(anew).await.expect("imports").accepted_count, 1);
        let found = membership.members.find_member_by_phone(by_phone()).await.expect("another").into_inner();
        assert_ne!(found.name, member.name);
    }
}

#[tokio::test]
async fn all_records_of_a_person_end_together_whichever_is_named() {
    for engine in engines() {
        let (mut membership, member) = with_canary(engine).await;
        let other = format!("{HEADER}दूसरी,Songbird,1087654399,gaya-ps,doctor,,female,hi,member,yes\n");
        membership.import(other).await.expect("imports");
        let request = FindMemberByPhoneRequest { phone: "1087654399".to_owned() };
        let duplicate = membership.members.find_member_by_phone(request).await.expect("is there").into_inner();
        let mut privacy = privacy(&membership);
        privacy.reveal_phone(reveal(&duplicate.name, WHY)).await.expect("reveals");
        let suspend = SuspendMemberRequest {
            name: duplicate.name.clone(),
            reason: SuspensionReason::Inquiry.into(),
            note: "Songbird says that it was not her".to_owned(),
            request_id: Uuid::new_v4().to_string(),
            ..Default::default()
        };
        membership.members.suspend_member(suspend).await.expect("suspends");
        let reinstate = ReinstateMemberRequest { name: duplicate.name.clone(), ..Default::default() };
        membership.members.reinstate_member(reinstate).await.expect("reinstates");
        let merge = MergeMembersRequest {
            survivor: member.name.clone(),
            duplicate: duplicate.name.clone(),
            ..Default::default()
        };
        membership.members.merge_members(merge).await.expect("merges");
        let email = AddIdentifierRequest {
            name: member.name.clone(),
            kind: IdentifierKind::Email.into(),
            value: "canary@example.in".to_owned(),
            request_id: Uuid::new_v4().to_string(),
            ..Default::default()
        };
        membership.members.add_identifier(email).await.expect("adds");

        let export = ExportPersonRequest { name: duplicate.name.clone(), reason: WHY.to_owned() };
        let export = privacy.export_person(export).await.expect("exports").into_inner();
        assert_eq!(export.member.expect("a member").name, member.name);
        let values: Vec<_> = export.identifiers.iter().map(|identifier| identifier.value.as_str()).collect();
        assert_eq!(values, ["+911087654321", "+911087654399", "canary@example.in"]);
        assert!(export.history.iter().any(|event| event.note.starts_with("Songbird")));
        assert_eq!(export.history.iter().filter(|event| event.act() == MemberAct::Imported).count(), 2);
        assert_eq!(export.audit_entries.len(), 2);

        let receipt = privacy.erase_person(erase(&duplicate.name)).await.expect("erases").into_inner();
        assert_eq!((&receipt.name, receipt.merged.as_slice()), (&member.name, [duplicate.name.clone()].as_slice()));
        let count = |thing| receipt.destroyed.iter().find(|part| part.thing() == thing).expect("is listed").count;
        assert_eq!((count(destroyed::Thing::DataKey), count(destroyed::Thing::Identifiers)), (2, 3));
        for name in [&member.name, &duplicate.name] {
            let get = GetMemberRequest { name: name.clone() };
            let shown = membership.members.get_member(get).await.expect("the id is known").into_inner();
            assert_eq!((shown.state(), shown.display_names.len(), shown.unit.as_str()), (State::Erased, 0, ""));
            assert_eq!(privacy.erase_person(erase(name)).await.expect("answers").into_inner(), receipt);
        }
        // Who only applied has a key as well.
        let application = ApplyRequest {
            display_names: [("hi".to_owned(), "Songbird".to_owned())].into(),
            phone: "1087654399".to_owned(),
            email: "canary@example.in".to_owned(),
            request_id: Uuid::new_v4().to_string(),
            ..teacher(7)
        };
        let applicant = apply(&membership, application).await.expect("applies").name;
        privacy.erase_person(erase(&applicant)).await.expect("erases");

        let request = ListMemberHistoryRequest { name: member.name.clone(), ..Default::default() };
        let history = membership.members.list_member_history(request).await.expect("lists").into_inner();
        assert!(history.events.iter().all(|event| event.note.is_empty() && event.groups_left.is_empty()));
        let everything = dump(&membership).await.to_lowercase();
        for secret in ["songbird", "canary", "1087654399", "example.in"] {
            assert!(!everything.contains(secret) && !everything.contains(&hex(secret.as_bytes())), "{secret}");
        }
        assert_eq!(membership.number("SELECT COUNT(*) FROM member_key").await, 50);
        assert_eq!(membership.number("SELECT COUNT(*) FROM member_identifier").await, 50);
        let sizes = "SELECT COUNT(*) FROM member_group g WHERE g.enrolled_count <> \
                     (SELECT COUNT(*) FROM enrolment e WHERE e.group_id = g.id AND e.ended_at = 0)";
        assert_eq!(membership.number(sizes).await, 0);
        let mut told = told_of(&membership).await;
        told.sort_unstable();
        let mut ids: [Uuid; 3] = [&member.name, &duplicate.name, &applicant]
            .map(|name| name.trim_start_matches("members/").parse().expect("an id"));
        ids.sort_unstable();
        assert_eq!(told, ids);
    }
}

/// The erased persons in the log of events.
async fn told_of(membership: &Membership) -> Vec<Uuid> {
    let head = membership.number("SELECT position FROM event_head").await;
    let mut log = EventLogServiceClient::new(membership.officer.clone());
    let mut stream = log.subscribe(SubscribeRequest::default()).await.expect("subscribes").into_inner();
    let mut erased = Vec::new();
    let mut position = 0;
    while position < head {
        for event in stream.message().await.expect("goes on").expect("goes on").events {
            position = event.position;
            if let Some(Payload::Membership(event)) = event.payload
                && let Some(Kind::PersonErased(person)) = event.kind
            {
                erased.push(Uuid::from_slice(&person.member_uid).expect("an id"));
            }
        }
    }
    erased
}

#[tokio::test]
async fn a_custodian_is_erased_when_another_one_is_there() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let rows = [
            police(1, "patna-centre", "inspector", "male", "custodian"),
            police(2, "patna-centre", "dsp", "female", "custodian"),
        ];
        membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
        let group = "patna-centre-police-rank-constable";
        let before = membership.group(group).await;
        let (first, second) = (before.primary_custodian.clone(), before.backup_custodians[0].clone());
        let mut privacy = privacy(&membership);
        let receipt = privacy.erase_person(erase(&first)).await.expect("erases").into_inner();
        assert_eq!(receipt.groups.len(), 3);
        let after = membership.group(group).await;
        assert_eq!((after.primary_custodian.as_str(), after.backup_custodians.len()), (second.as_str(), 0));
        assert_eq!(after.enrolled_count, before.enrolled_count - 1);

        let unchanged = dump(&membership).await;
        let status = privacy.erase_person(erase(&second)).await.expect_err("nobody would be left");
        assert_eq!(status.code(), Code::FailedPrecondition);
        let (reason, groups) = refusal(&status);
        assert_eq!((reason.as_str(), groups.len()), ("SOLE_CUSTODIAN", 3));
        assert!(groups.contains(&format!("groups/{group}")));
        assert_eq!(dump(&membership).await, unchanged);
    }
}

#[tokio::test]
async fn what_an_erasure_must_be_told_is_checked_and_a_repeated_request_is_answered_again() {
    for engine in engines() {
        let (membership, member) = with_canary(engine).await;
        let mut privacy = privacy(&membership);
        let right = || erase(&member.name);
        for (request, reason, field) in [
            (ErasePersonRequest { reason: 0, ..right() }, "ERASURE_REASON_INVALID", "reason"),
            (ErasePersonRequest { reason: 77, ..right() }, "ERASURE_REASON_INVALID", "reason"),
            (ErasePersonRequest { reference: "Sita Devi".into(), ..right() }, "ERASURE_REASON_INVALID", "reference"),
            (ErasePersonRequest { request_id: "x".into(), ..right() }, "REQUEST_ID_INVALID", "request_id"),
            (ErasePersonRequest { name: "members/x".into(), ..right() }, "NAME_INVALID", "name"),
        ] {
            let status = privacy.erase_person(request).await.expect_err(reason);
            assert_eq!((status.code(), refusal(&status)), (Code::InvalidArgument, (reason.into(), vec![field.into()])));
        }
        let nobody = erase(&format!("members/{}", Uuid::new_v4()));
        assert_eq!(refusal(&privacy.erase_person(nobody).await.expect_err("nobody")).0, "MEMBER_NOT_FOUND");

        let request = ErasePersonRequest { request_id: Uuid::new_v4().to_string(), ..right() };
        let [one, two] = [privacy.clone(), privacy.clone()];
        let call = async |mut privacy: PrivacyServiceClient<Channel>| {
            privacy.erase_person(request.clone()).await.expect("erases").into_inner()
        };
        let (one, two) = tokio::join!(call(one), call(two));
        assert_eq!(one, two);
        assert_eq!(call(privacy.clone()).await, one);
        let other = ErasePersonRequest { reference: "7".into(), ..request.clone() };
        assert_eq!(refusal(&privacy.erase_person(other).await.expect_err("reused")).0, "REQUEST_ID_REUSED");
        let kept = "SELECT COUNT(*) FROM request_log WHERE length(response) > 0 OR length(fingerprint) <> 32";
        assert_eq!(membership.number(kept).await, 0, "the request log knows that it was done, and nothing else");
    }
}

#[tokio::test]
async fn an_import_and_an_erasure_of_the_same_number_end_as_if_one_after_the_other() {
    for engine in engines() {
        let (membership, member) = with_canary(engine).await;
        let again =
            format!("{HEADER}{}नया,New,{PHONE},kotwali-ps,doctor,,female,hi,member,yes\n", public(70, "gaya-ps"));
        let mut privacy = privacy(&membership);
        let erased = async { privacy.erase_person(erase(&member.name)).await.map_err(|status: Status| status) };
        let (import, receipt) = tokio::join!(membership.import(again), erased);
        let import = import.expect("imports");
        receipt.expect("erases");
        let holders = membership.number("SELECT COUNT(*) FROM member_identifier WHERE valid_to = 0").await;
        match import.accepted_count {
            2 => assert_eq!(holders, 52),
            1 => {
                assert_eq!(holders, 51);
                assert_eq!(membership.rejected(&import).await[0].2, RowRejection::PhoneDuplicate);
            }
            other => panic!("{other} accepted"),
        }
        let keys = "SELECT COUNT(*) FROM member m WHERE (m.state = 7) = EXISTS \
                    (SELECT 1 FROM member_key k WHERE k.member_id = m.id)";
        assert_eq!(membership.number(keys).await, 0, "who is not erased has a key, who is has none");
        let sizes = "SELECT COUNT(*) FROM member_group g WHERE g.enrolled_count <> \
                     (SELECT COUNT(*) FROM enrolment e WHERE e.group_id = g.id AND e.ended_at = 0)";
        assert_eq!(membership.number(sizes).await, 0);
    }
}

//! Importing members: what is accepted, what is rejected, and what is refused as a whole.

use std::time::Duration;

use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::import_members_request::Piece;
use senani_proto::membership::v1::{GetImportRequest, ImportMembersRequest, ListRulesInForceRequest, RowRejection};
use senani_testkit::{engines, eventually};
use tonic::Code;
use uuid::Uuid;

use crate::fixture::{HEADER, Membership, file, import, pieces, police, public, refusal};
use crate::hierarchy::unit_changed;

#[tokio::test]
async fn each_wrong_row_is_rejected_with_its_line_and_reason_and_stops_nothing() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let mut csv = HEADER.as_bytes().to_vec();
        let mut expected = Vec::new();
        let mut line = 1;
        let mut add = |row: &str, wrong: Option<(&str, RowRejection)>| {
            line += 1;
            csv.extend_from_slice(row.as_bytes());
            expected.extend(wrong.map(|(column, reason)| (line, column.to_owned(), reason)));
        };
        let odd = |phone: &str, rest: &str| format!("नाम,Name,{phone},{rest}\n");
        let teacher = "units/kotwali-ps,teacher,,male,hi,member,yes";
        add(&public(1, "kotwali-ps"), None);
        add(&odd("+91 10 0000 0001", teacher), Some(("phone", RowRejection::PhoneDuplicate)));
        add(&odd("०१०००००००१", teacher), Some(("phone", RowRejection::PhoneInvalid)));
        add(&odd("12345", teacher), Some(("phone", RowRejection::PhoneInvalid)));
        add(&public(2, "nowhere-ps"), Some(("unit", RowRejection::UnitUnknown)));
        add(&public(3, "old-ps"), Some(("unit", RowRejection::UnitUnknown)));
        add(&format!("=1+1,x,1000000004,{teacher}\n"), Some(("name_hi", RowRejection::FormulaCell)));
        add(&format!(",x,1000000005,{teacher}\n"), Some(("name_hi", RowRejection::NameInvalid)));
        add(
            &odd("1000000006", "kotwali-ps,astronaut,,male,hi,member,yes"),
            Some(("category", RowRejection::CategoryUnknown)),
        );
        add(&odd("1000000007", "kotwali-ps,police,,male,hi,member,yes"), Some(("rank", RowRejection::RankInvalid)));
        add(&odd("1000000008", "kotwali-ps,teacher,,man,hi,member,yes"), Some(("gender", RowRejection::GenderInvalid)));
        add(
            &odd("1000000009", "kotwali-ps,teacher,,male,xx,member,yes"),
            Some(("language", RowRejection::LanguageInvalid)),
        );
        add(&odd("1000000010", "kotwali-ps,teacher,,male,hi,custodian,yes"), Some(("role", RowRejection::RoleInvalid)));
        add(
            &odd("1000000011", "kotwali-ps,teacher,,male,hi,member,perhaps"),
            Some(("consent", RowRejection::ConsentInvalid)),
        );
        add("too,few\n", Some(("", RowRejection::ColumnsWrong)));
        add(&public(12, "patna-district"), Some(("unit", RowRejection::NoGroup)));
        add(&public(13, "patna-centre"), Some(("unit", RowRejection::NoGroup)));
        add(&police(14, "patna-centre", "constable", "female", "member"), None);
        csv.extend_from_slice(b"\xff\xfe,x,1000000015,kotwali-ps,teacher,,male,hi,member,yes\n");
        expected.push((20, String::new(), RowRejection::TextBroken));
        csv.extend_from_slice(&vec![b'x'; 10 * 1024 * 1024]);
        csv.push(b'\n');
        expected.push((21, String::new(), RowRejection::RowTooLong));
        csv.extend_from_slice(public(16, "kotwali-op").as_bytes());

        let done = membership.import(&csv).await.expect("imports");
        assert_eq!(membership.rejected(&done).await, expected);
        assert_eq!((done.row_count, done.accepted_count, done.rejected_count), (21, 3, 18));
        // The woman constable stands in two groups.
        assert_eq!(done.enrolment_count, 4);
        assert_eq!(done.rejected_by_reason["UNIT_UNKNOWN"], 2);
        assert_eq!(done.rejected_by_reason.values().sum::<i64>(), 18);
        let found = membership.members.clone().get_import(GetImportRequest { name: done.name.clone() }).await;
        assert_eq!(found.expect("the import").into_inner(), done);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_an_import_is_refused_and_nothing_changes() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let before = membership.state().await;
        let id = Uuid::new_v4().to_string();
        let content = |bytes: &[u8]| ImportMembersRequest { piece: Some(Piece::Content(bytes.to_vec().into())) };
        let right = file(0..3, &["kotwali-ps"]);
        let mut twice = pieces(&id, right.as_bytes());
        twice.push(twice[0].clone());
        for (messages, reason) in [
            (pieces(&id, b"name,phone\n1,2\n"), "CSV_HEADER_WRONG"),
            (pieces(&id, right.replace("name_hi", "NAME_HI").as_bytes()), "CSV_HEADER_WRONG"),
            (pieces(&id, &vec![b'x'; 1_000_000]), "CSV_HEADER_WRONG"),
            (pieces(&id, b""), "CSV_EMPTY"),
            (pieces(&id, HEADER.as_bytes()), "CSV_EMPTY"),
            (pieces("7", right.as_bytes()), "IMPORT_ID_INVALID"),
            (vec![content(right.as_bytes())], "STREAM_OUT_OF_ORDER"),
            (vec![ImportMembersRequest { piece: None }], "STREAM_OUT_OF_ORDER"),
            (Vec::new(), "STREAM_OUT_OF_ORDER"),
            (twice, "STREAM_OUT_OF_ORDER"),
        ] {
            let status = import(membership.members.clone(), messages).await.expect_err(reason);
            assert_eq!((status.code(), refusal(&status).0), (Code::InvalidArgument, reason.to_owned()));
        }
        assert_eq!(membership.state().await, before);
        for (name, reason) in
            [(format!("memberImports/{id}"), "IMPORT_NOT_FOUND"), ("memberImports/7".to_owned(), "NAME_INVALID")]
        {
            let status = membership.members.clone().get_import(GetImportRequest { name }).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason);
        }
    }
}

#[tokio::test]
async fn past_the_ceiling_people_come_into_the_next_part_with_the_same_custodians() {
    for engine in engines() {
        let mut membership = Membership::with_groups_and(engine, |config| config.app_ceiling = 10).await;
        let officers = [
            police(90, "kotwali-ps", "sub_inspector", "male", "custodian"),
            police(91, "kotwali-ps", "sub_inspector", "male", "custodian"),
        ];
        membership.import(HEADER.to_owned() + &officers.concat()).await.expect("imports");
        let done = membership.import(file(0..20, &["kotwali-ps"])).await.expect("imports");
        // 8 beside the officers, 8 beside them again, and 4 in the third part.
        assert_eq!((done.accepted_count, done.rejected_count), (20, 0));
        let [first, second, third] =
            ["kotwali-ps-community", "kotwali-ps-community-2", "kotwali-ps-community-3"].map(str::to_owned);
        let first = membership.group(&first).await;
        for (slug, part, size) in [(second, 2, 10), (third, 3, 6)] {
            let group = membership.group(&slug).await;
            assert_eq!((group.part, group.enrolled_count, group.audience), (part, size, first.audience));
            assert_eq!(group.primary_custodian, first.primary_custodian);
            assert_eq!(group.backup_custodians, first.backup_custodians);
            assert_eq!(group.display_names["en"], format!("kotwali-ps – Cyber Senani group ({part})"));
        }
        assert_eq!((first.part, first.enrolled_count), (1, 10));
        assert_eq!(done.enrolment_count, 20 + 2 * 2, "the officers' places too");
        assert_eq!(membership.number("SELECT COUNT(*) FROM enrolment WHERE ended_at = 0").await, 22 + 2 * 2);
        assert_eq!(membership.form("units/kotwali-ps").await.expect("nothing to do").group_count, 0);
    }
}

#[tokio::test]
async fn imports_at_once_that_fill_a_group_begin_each_part_once() {
    for engine in engines() {
        let membership = Membership::with_groups_and(engine, |config| config.app_ceiling = 10).await;
        let imports = (0..3).map(|number| membership.import(file(number * 20..number * 20 + 20, &["kotwali-ps"])));
        let done = futures::future::join_all(imports).await;
        assert_eq!(done.into_iter().map(|done| done.expect("imports").accepted_count).sum::<i64>(), 60);
        let (groups, full) = (
            "SELECT COUNT(*) FROM member_group WHERE slug LIKE 'kotwali-ps-community%'",
            "SELECT COUNT(*) FROM member_group WHERE slug LIKE 'kotwali-ps-community%' AND enrolled_count = 10",
        );
        assert_eq!((membership.number(groups).await, membership.number(full).await), (6, 6));
    }
}

#[tokio::test]
async fn a_full_group_that_no_order_speaks_of_refuses() {
    for engine in engines() {
        let mut membership = Membership::with_groups_and(engine, |config| config.app_ceiling = 10).await;
        // The station becomes a circle, of which the order says nothing.
        membership.hierarchy.tell(unit_changed("kotwali-ps", UnitKind::Circle));
        let orders = membership.orders.clone();
        eventually(Duration::from_secs(20), "the new kind to be heard", async || {
            let request = ListRulesInForceRequest { unit: "units/kotwali-ps".to_owned(), ..Default::default() };
            orders.clone().list_rules_in_force(request).await.expect("rules").into_inner().rules.is_empty()
        })
        .await;
        let done = membership.import(file(0..15, &["kotwali-ps"])).await.expect("imports");
        assert_eq!((done.accepted_count, done.rejected_by_reason["GROUP_FULL"]), (10, 5));
        let lines: Vec<i64> = membership.rejected(&done).await.into_iter().map(|row| row.0).collect();
        assert_eq!(lines, [12, 13, 14, 15, 16], "the first rows of the file have the places");
        assert_eq!(membership.group("kotwali-ps-community").await.enrolled_count, 10);
        assert_eq!(membership.number("SELECT COUNT(*) FROM member").await, 10);
        // A number that was refused is free.
        let moved = HEADER.to_owned() + &public(12, "gaya-ps");
        assert_eq!(membership.import(moved).await.expect("imports").accepted_count, 1);
    }
}

#[tokio::test]
async fn imports_of_the_same_people_at_once_enrol_each_person_once() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let units = ["kotwali-ps", "gaya-ps", "gandhi-maidan-ps", "kotwali-op"];
        // The same 4,500 people in opposite orders: in a ring of waiting imports one would be killed.
        let forth = file(0..4_500, &units);
        let mut rows: Vec<String> = forth.lines().skip(1).map(|row| format!("{row}\n")).collect();
        rows.reverse();
        let back = HEADER.to_owned() + &rows.concat();
        // The groups that were formed hold 4,096 together; the others come into their second parts.
        let outcomes = futures::future::join_all([&forth, &back, &forth].map(|file| membership.import(file))).await;
        let mut accepted = 0;
        for outcome in outcomes {
            let done = outcome.expect("imports");
            assert_eq!((done.row_count, done.accepted_count + done.rejected_count), (4_500, 4_500));
            accepted += done.accepted_count;
        }
        assert_eq!(accepted, 4_500);
        assert_eq!(membership.number("SELECT COUNT(*) FROM member").await, accepted);
        assert_eq!(membership.number("SELECT COUNT(*) FROM enrolment").await, accepted);
        assert_eq!(membership.number("SELECT COUNT(*) FROM member_consent").await, accepted);
        let sizes: i64 = membership.all_groups().await.iter().map(|group| i64::from(group.enrolled_count)).sum();
        assert_eq!(sizes, accepted);
        assert_eq!(membership.number("SELECT COUNT(*) FROM member_group WHERE part = 2").await, 4);
    }
}

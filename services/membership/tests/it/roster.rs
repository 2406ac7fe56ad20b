//! Chat groups against the register.

use senani_proto::membership::v1::enrolment::Role;
use senani_proto::membership::v1::privacy_service_client::PrivacyServiceClient;
use senani_proto::membership::v1::reconcile_roster_request::Piece;
use senani_proto::membership::v1::reconciliation::Format;
use senani_proto::membership::v1::roster_difference::{Evidence, Kind, Obstacle};
use senani_proto::membership::v1::roster_service_client::RosterServiceClient;
use senani_proto::membership::v1::{
    ApplyReconciliationRequest, ErasePersonRequest, ErasureReason, FindMemberByPhoneRequest, GetReconciliationRequest,
    MergeMembersRequest, ReconcileRosterRequest, Reconciliation,
};
use senani_testkit::engines;
use tonic::Code;
use uuid::Uuid;

use crate::chat::{GROUP, Rosters, all, messages, shown, table};
use crate::fixture::{HEADER, connect, public, refusal};

#[tokio::test]
async fn a_group_is_compared_with_a_table_and_what_is_applied_is_not_found_again() {
    for engine in engines() {
        let rosters = Rosters::start(engine).await;
        // 13 and 14 are gone, 3 administers, 21 and 23 came, 900 is nobody's number.
        let file =
            table(&[(1, true), (2, false), (3, true), (11, false), (12, true), (21, false), (23, true), (900, false)]);
        let compared = rosters.reconcile(&file).await.expect("compares");
        assert_eq!(
            rosters.found(&compared),
            [
                (Kind::OnlyInChat, 21, Role::Member, Evidence::Unspecified, Obstacle::Unspecified),
                (Kind::OnlyInChat, 23, Role::Custodian, Evidence::Unspecified, Obstacle::Unspecified),
                (Kind::OnlyInRegister, 13, Role::Unspecified, Evidence::NotListed, Obstacle::Unspecified),
                (Kind::OnlyInRegister, 14, Role::Unspecified, Evidence::NotListed, Obstacle::Unspecified),
                (Kind::RoleDiffers, 3, Role::Custodian, Evidence::Unspecified, Obstacle::Unspecified),
                (Kind::RoleDiffers, 12, Role::Custodian, Evidence::Unspecified, Obstacle::CustodianUnfit),
                (Kind::Stranger, 0, Role::Unspecified, Evidence::Unspecified, Obstacle::Stranger),
            ],
            "{engine:?}"
        );
        assert_eq!((compared.format(), compared.language.as_str()), (Format::Table, "hi"));
        assert_eq!((compared.in_both_count, compared.stranger_count, compared.complete), (5, 1, true));
        let stranger = compared.differences.last().expect("a stranger");
        assert_eq!((stranger.masked_phone.as_str(), stranger.id.as_str()), ("+91 ••••••0900", ""));

        let events = rosters.membership.number("SELECT position FROM event_head").await;
        let tried = rosters.apply(ApplyReconciliationRequest { validate_only: true, ..all(&compared) }).await;
        assert!(tried.expect("checks").differences.iter().filter(|one| one.apply_time.is_some()).count() == 5);
        assert_eq!(rosters.membership.number("SELECT position FROM event_head").await, events);
        assert_eq!(rosters.roster().await.len(), 7);

        let applied = rosters.apply(all(&compared)).await.expect("applies");
        assert_ne!(applied.etag, compared.etag);
        assert_eq!(
            rosters.roster().await,
            [
                (1, Role::Custodian),
                (2, Role::Member),
                (3, Role::Custodian),
                (11, Role::Member),
                (12, Role::Member),
                (21, Role::Member),
                (23, Role::Custodian)
            ]
        );
        rosters.recount().await;
        let again = rosters.reconcile(&file).await.expect("compares");
        let left: Vec<_> = rosters.found(&again).into_iter().map(|(kind, number, ..)| (kind, number)).collect();
        assert_eq!(left, [(Kind::RoleDiffers, 12), (Kind::Stranger, 0)]);
        assert_eq!(again.in_both_count, 7);
        // What was applied is not applied again, and nothing is told twice.
        let events = rosters.membership.number("SELECT position FROM event_head").await;
        assert_eq!(rosters.apply(all(&compared)).await.expect("nothing to do"), applied);
        assert_eq!(rosters.membership.number("SELECT position FROM event_head").await, events);
    }
}

#[tokio::test]
async fn a_number_that_changed_in_the_chat_is_recorded_and_the_old_one_ends() {
    for engine in engines() {
        let rosters = Rosters::start(engine).await;
        let old = shown(11);
        let new = shown(911);
        let chat = format!(
            "12/05/26, 9:41\u{202f}pm - मैसेज और कॉल एंड-टू-एंड एन्क्रिप्टेड हैं.\n\
             12/05/26, 9:42\u{202f}pm - {}: सूचना: {} को पुलिस ढूँढ रही है\n\
             12/05/26, 9:43\u{202f}pm - {old} ने अपना फ़ोन नंबर बदलकर {new} कर लिया है\n\
             12/05/26, 9:44\u{202f}pm - रवि ने {} को हटाया\n",
            shown(2),
            shown(900),
            shown(12),
        );
        let compared = rosters.reconcile(&chat).await.expect("compares");
        let changed = &compared.differences[0];
        assert_eq!((changed.kind(), rosters.member(changed)), (Kind::NumberChanged, 11));
        assert_eq!(
            (changed.masked_phone.as_str(), changed.masked_new_phone.as_str()),
            ("+91 ••••••0011", "+91 ••••••0911")
        );
        assert_eq!(
            (compared.format(), compared.language.as_str(), compared.complete),
            (Format::ChatExport, "hi", false)
        );
        let gone: Vec<_> = rosters
            .found(&compared)
            .into_iter()
            .filter(|(kind, ..)| *kind == Kind::OnlyInRegister)
            .map(|(_, number, _, evidence, obstacle)| (number, evidence, obstacle))
            .collect();
        let free = Obstacle::Unspecified;
        assert_eq!(
            gone,
            [
                (1, Evidence::NotSeen, Obstacle::SoleCustodian),
                (3, Evidence::NotSeen, free),
                (12, Evidence::Left, free),
                (13, Evidence::NotSeen, free),
                (14, Evidence::NotSeen, free)
            ]
        );
        // Of the message and the stranger nothing is kept: not in the answer, not in the database.
        assert_eq!(compared.stranger_count, 0);

        let chosen = compared.differences.iter().filter(|one| matches!(rosters.member(one), 11 | 12));
        let request = ApplyReconciliationRequest {
            name: compared.name.clone(),
            difference_ids: chosen.map(|one| one.id.clone()).collect(),
            etag: compared.etag.clone(),
            request_id: Uuid::new_v4().to_string(),
            ..Default::default()
        };
        let applied = rosters.apply(request.clone()).await.expect("applies");
        assert_eq!(rosters.apply(request).await.expect("the same answer"), applied);
        let find = |phone: String| {
            let mut members = rosters.membership.members.clone();
            async move { members.find_member_by_phone(FindMemberByPhoneRequest { phone }).await }
        };
        let found = find(new).await.expect("a member").into_inner();
        assert_eq!((&found.name, found.masked_phone.as_str()), (&rosters.members[&11], "+91 ••••••0911"));
        assert_eq!(find(old).await.expect_err("nobody").code(), Code::NotFound);
        rosters.recount().await;
        let history = "SELECT COUNT(*) FROM member_history WHERE act IN (5, 8) AND subject = 'officers/tester'";
        assert_eq!(rosters.membership.number(history).await, 2, "a number added and an enrolment ended");
        let again = rosters.reconcile(&chat).await.expect("compares");
        assert!(rosters.found(&again).iter().all(|(_, number, ..)| !matches!(number, 11 | 12)));
    }
}

#[tokio::test]
async fn who_uploads_is_in_the_chat_also_when_the_file_calls_them_you() {
    for engine in engines() {
        let mut rosters = Rosters::start(engine).await;
        let custodian = rosters.members[&1].clone();
        rosters.rosters = RosterServiceClient::new(connect(rosters.membership.address, &custodian));
        let list = [2, 3, 11, 12, 13, 14].map(shown).join(", ") + ", You";
        let compared = rosters.reconcile(&list).await.expect("compares");
        assert_eq!((compared.differences.len(), compared.complete, compared.in_both_count), (0, true, 7));
        // A saved name may be anybody.
        let compared = rosters.reconcile(list.replace(&shown(14), "Sita Devi")).await.expect("compares");
        let found = rosters.found(&compared);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].1, found[0].3, compared.unnumbered_count), (14, Evidence::NotSeen, 1));
    }
}

#[tokio::test]
async fn what_cannot_be_compared_or_applied_is_refused_with_its_reason() {
    for engine in engines() {
        let rosters = Rosters::start(engine).await;
        let file = table(&[(1, true), (2, false), (3, false), (11, false), (12, false), (13, false), (21, false)]);
        let options = |group: &str, id: &str| messages(group, id, b"")[0].clone();
        let content = messages("", "", file.as_bytes())[1].clone();
        let large = ReconcileRosterRequest { piece: Some(Piece::Content(vec![b' '; 900_000].into())) };
        let many: Vec<_> = [options(GROUP, "")].into_iter().chain(vec![large; 20]).collect();
        for (messages, code, reason) in [
            (vec![], Code::InvalidArgument, "STREAM_OUT_OF_ORDER"),
            (vec![content.clone()], Code::InvalidArgument, "STREAM_OUT_OF_ORDER"),
            (vec![options(GROUP, ""), options(GROUP, "")], Code::InvalidArgument, "STREAM_OUT_OF_ORDER"),
            (vec![options(GROUP, "7"), content.clone()], Code::InvalidArgument, "REQUEST_ID_INVALID"),
            (vec![options("Nowhere", ""), content.clone()], Code::InvalidArgument, "NAME_INVALID"),
            (vec![options("nowhere-community", ""), content.clone()], Code::NotFound, "GROUP_NOT_FOUND"),
            (vec![options(GROUP, "")], Code::InvalidArgument, "ROSTER_UNREADABLE"),
            (messages(GROUP, "", b"hello, world"), Code::InvalidArgument, "ROSTER_UNREADABLE"),
            (messages(GROUP, "", b"PK\x03\x04"), Code::InvalidArgument, "ROSTER_UNREADABLE"),
            (many, Code::InvalidArgument, "ROSTER_TOO_LARGE"),
        ] {
            let status = rosters.send(messages).await.expect_err(reason);
            assert_eq!((status.code(), refusal(&status).0.as_str()), (code, reason), "{engine:?}");
        }
        assert_eq!(rosters.membership.number("SELECT COUNT(*) FROM roster_reconciliation").await, 0);

        let id = Uuid::new_v4().to_string();
        let compared = rosters.reconcile_as(&id, &file).await.expect("compares");
        assert_eq!(rosters.reconcile_as(&id, &file).await.expect("the same"), compared);
        let other = rosters.reconcile_as(&id, table(&[(1, true)])).await.expect_err("another file");
        assert_eq!(refusal(&other).0, "REQUEST_ID_REUSED");

        // 14 is only in the register, 21 only in the chat; 1 would be demoted by the other file.
        let request = all(&compared);
        assert_eq!(request.difference_ids, ["1", "2"]);
        let alone = rosters.reconcile(table(&[(1, false), (2, false)])).await.expect("compares");
        let hindered = alone.differences.iter().find(|one| one.obstacle() == Obstacle::SoleCustodian).expect("1");
        let with = |ids: &[&str]| ApplyReconciliationRequest {
            difference_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..request.clone()
        };
        let strange = compared.name.replace(GROUP, "gaya-ps-community");
        let nowhere = format!("groups/{GROUP}/reconciliations/{}", Uuid::new_v4());
        for (request, code, reason, fields) in [
            (with(&[]), Code::InvalidArgument, "DIFFERENCE_UNKNOWN", vec!["difference_ids"]),
            (with(&["1", "7", "x"]), Code::InvalidArgument, "DIFFERENCE_UNKNOWN", vec!["difference_ids[2]"]),
            (with(&["1", "7"]), Code::InvalidArgument, "DIFFERENCE_UNKNOWN", vec!["difference_ids[1]"]),
            (
                ApplyReconciliationRequest {
                    name: alone.name.clone(),
                    difference_ids: vec![hindered.id.clone()],
                    ..Default::default()
                },
                Code::FailedPrecondition,
                "DIFFERENCE_HINDERED",
                vec![],
            ),
            (
                ApplyReconciliationRequest { etag: "\"0\"".into(), ..request.clone() },
                Code::Aborted,
                "ETAG_MISMATCH",
                vec![],
            ),
            (
                ApplyReconciliationRequest { request_id: "7".into(), ..request.clone() },
                Code::InvalidArgument,
                "REQUEST_ID_INVALID",
                vec!["request_id"],
            ),
            (
                ApplyReconciliationRequest { name: "groups/x".into(), ..request.clone() },
                Code::InvalidArgument,
                "NAME_INVALID",
                vec!["name"],
            ),
            (
                ApplyReconciliationRequest { name: strange, ..request.clone() },
                Code::NotFound,
                "RECONCILIATION_NOT_FOUND",
                vec![],
            ),
            (
                ApplyReconciliationRequest { name: nowhere, ..request.clone() },
                Code::NotFound,
                "RECONCILIATION_NOT_FOUND",
                vec![],
            ),
        ] {
            let status = rosters.apply(request).await.expect_err(reason);
            let fields = fields.into_iter().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!((status.code(), refusal(&status)), (code, (reason.to_owned(), fields)), "{engine:?}");
        }
        assert_eq!(rosters.roster().await.len(), 7);

        // Somebody comes into the group: what was compared is no longer so.
        rosters.membership.import(HEADER.to_owned() + &public(15, "kotwali-ps")).await.expect("imports");
        let status = rosters.apply(request).await.expect_err("outdated");
        assert_eq!((status.code(), refusal(&status).0.as_str()), (Code::Aborted, "RECONCILIATION_OUTDATED"));
        // Its days are over.
        let past = "UPDATE roster_reconciliation SET expires_at = 1";
        rosters.membership.execute(past).await;
        let request = GetReconciliationRequest { name: compared.name.clone() };
        let status = rosters.rosters.clone().get_reconciliation(request).await.expect_err("expired");
        assert_eq!(refusal(&status).0, "RECONCILIATION_NOT_FOUND");
    }
}

#[tokio::test]
async fn nothing_of_a_stranger_or_a_message_is_kept() {
    for engine in engines() {
        let rosters = Rosters::start(engine).await;
        let chat = format!(
            "12/05/26, 21:41 - {}: canary-message about {}\n12/05/26, 21:42 - Canary Name: hello\n12/05/26, 21:43 - {} changed to {}\n",
            shown(55_512_345),
            shown(55_567_890),
            shown(11),
            shown(55_598_765),
        );
        let id = Uuid::new_v4().to_string();
        let compared = rosters.reconcile_as(&id, &chat).await.expect("compares");
        assert_eq!((compared.stranger_count, compared.unnumbered_count), (1, 1));
        assert_eq!(compared.differences.last().expect("a stranger").masked_phone, "+91 ••••••2345");
        let repeated = rosters.reconcile_as(&id, &chat).await.expect("the same");
        assert_eq!(repeated, compared);
        let erase = ErasePersonRequest {
            name: rosters.members[&12].clone(),
            reason: ErasureReason::Request.into(),
            ..Default::default()
        };
        // Who is erased is in no comparison any more.
        let with = |reconciliation: &Reconciliation, number: u32| {
            reconciliation.differences.iter().filter(|one| rosters.member(one) == number).count()
        };
        assert_eq!(with(&compared, 12), 1);
        PrivacyServiceClient::new(rosters.membership.officer.clone()).erase_person(erase).await.expect("erases");
        let request = GetReconciliationRequest { name: compared.name.clone() };
        let kept = rosters.rosters.clone().get_reconciliation(request).await.expect("kept").into_inner();
        assert_eq!((with(&kept, 12), with(&kept, 11)), (0, 1));

        let compared = rosters.reconcile(&chat).await.expect("compares");
        rosters
            .apply(ApplyReconciliationRequest { request_id: Uuid::new_v4().to_string(), ..all(&compared) })
            .await
            .expect("applies");
        let request = GetReconciliationRequest { name: compared.name.clone() };
        let kept = rosters.rosters.clone().get_reconciliation(request).await.expect("kept").into_inner();
        assert_eq!((kept.stranger_count, kept.differences.len() + 1), (1, compared.differences.len()));
        let dump = crate::register::dump(&rosters.membership).await.to_lowercase();
        for canary in ["canary-message", "canary name", "5512345", "5567890", "5598765", "•2345"] {
            let bytes: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!dump.contains(canary) && !dump.contains(&bytes), "{canary} is kept ({engine:?})");
        }
    }
}

#[tokio::test]
async fn two_who_each_take_another_custodian_away_at_once_leave_one() {
    for engine in engines() {
        let rosters = Rosters::start(engine).await;
        let everybody = |admins: &[u32]| {
            let rows: Vec<_> = [1, 2, 3, 11, 12, 13, 14].map(|number| (number, admins.contains(&number))).into();
            table(&rows)
        };
        let compared = rosters.reconcile(everybody(&[1, 2])).await.expect("compares");
        rosters.apply(all(&compared)).await.expect("two custodians");
        for _ in 0..5 {
            let (one, other) = (everybody(&[1]), everybody(&[2]));
            let one = all(&rosters.reconcile(one).await.expect("compares"));
            let other = all(&rosters.reconcile(other).await.expect("compares"));
            assert_eq!((one.difference_ids.len(), other.difference_ids.len()), (1, 1));
            let outcomes = tokio::join!(rosters.apply(one), rosters.apply(other));
            let outdated = [outcomes.0, outcomes.1].into_iter().filter_map(Result::err).collect::<Vec<_>>();
            assert_eq!(outdated.len(), 1, "one was first ({engine:?})");
            assert_eq!(refusal(&outdated[0]).0, "RECONCILIATION_OUTDATED");
            rosters.recount().await;
            let compared = rosters.reconcile(everybody(&[1, 2])).await.expect("compares");
            rosters.apply(all(&compared)).await.expect("two again");
        }
    }
}

#[tokio::test]
async fn a_number_of_a_record_that_was_merged_is_that_of_the_one_that_stands_for_it() {
    for engine in engines() {
        let rosters = Rosters::start(engine).await;
        let merge = MergeMembersRequest {
            survivor: rosters.members[&11].clone(),
            duplicate: rosters.members[&21].clone(),
            ..Default::default()
        };
        rosters.membership.members.clone().merge_members(merge).await.expect("merges");
        let before = rosters.roster().await.len();
        // 11 writes under the number of the record that was merged, and changes it.
        let chat = format!("12/05/26, 21:41 - {} changed to {}\n", shown(21), shown(921));
        let compared = rosters.reconcile(&chat).await.expect("compares");
        let changed = &compared.differences[0];
        assert_eq!((changed.kind(), rosters.member(changed)), (Kind::NumberChanged, 11), "{engine:?}");
        assert!(rosters.found(&compared).iter().all(|(kind, ..)| *kind != Kind::OnlyInChat), "11 is enrolled");
        let request = ApplyReconciliationRequest {
            name: compared.name.clone(),
            difference_ids: vec![changed.id.clone()],
            ..Default::default()
        };
        rosters.apply(request).await.expect("applies");
        let find = FindMemberByPhoneRequest { phone: shown(921) };
        let found = rosters.membership.members.clone().find_member_by_phone(find).await.expect("a member").into_inner();
        assert_eq!((found.name, rosters.roster().await.len()), (rosters.members[&11].clone(), before));
        rosters.recount().await;
    }
}

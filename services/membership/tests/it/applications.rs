//! Applications: a person asks, an officer of the unit decides.

use senani_proto::membership::v1::member::State;
use senani_proto::membership::v1::{
    AudienceSelector, CountAudienceRequest, ListApplicationsRequest, MemberAct, Rank, RejectApplicationRequest,
    VerifyApplicationRequest,
};
use senani_testkit::engines;
use tonic::Code;
use uuid::Uuid;

use crate::fixture::{HEADER, Membership, connect, public, refusal};
use crate::hierarchy::heads;
use crate::persons::{
    acts, apply, by_number, groups, history, ledger, member, officer, portal, reject, teacher, verify, wrong_sizes,
};

async fn persons(membership: &Membership) -> i64 {
    let audience = AudienceSelector { units: vec!["units/bihar-hq".to_owned()], ..Default::default() };
    let request = CountAudienceRequest { audience: Some(audience) };
    membership.members.clone().count_audience(request).await.expect("counts").into_inner().person_count
}

#[tokio::test]
async fn an_applicant_counts_only_after_an_officer_of_the_unit_or_above_has_verified_them() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let pending = apply(&membership, teacher(1)).await.expect("applies");
        assert_eq!((pending.state(), pending.enrolments.len(), pending.verifier.as_str()), (State::Pending, 0, ""));
        assert_eq!((pending.masked_phone.as_str(), pending.language.as_str()), ("+91 ••••••0001", "mai"));
        assert_eq!(persons(&membership).await, 0, "{engine:?}");
        assert_eq!(membership.group("kotwali-ps-community").await.enrolled_count, 0);

        let mut of_gaya = officer(&membership, "gaya-district").await;
        let mut of_patna = officer(&membership, "patna-district").await;
        let own_id = pending.name.trim_start_matches("members/").parse::<Uuid>().expect("an id");
        membership.hierarchy.tell(heads("kotwali-ps", own_id));
        let mut applicant = senani_proto::membership::v1::application_service_client::ApplicationServiceClient::new(
            connect(membership.address, &pending.name),
        );
        for stranger in [&mut portal(&membership), &mut of_gaya, &mut applicant] {
            let status = stranger.verify_application(verify(&pending.name)).await.expect_err("no officer of the unit");
            assert_eq!(
                (status.code(), refusal(&status).0),
                (Code::PermissionDenied, "NOT_AN_OFFICER_OF_UNIT".into()),
                "{engine:?}"
            );
            let status = stranger.reject_application(reject(&pending.name, "")).await.expect_err("no officer");
            assert_eq!(status.code(), Code::PermissionDenied);
        }
        // Whether the posting of the officer of Patna was heard after that of Gaya.
        let stale = VerifyApplicationRequest { etag: "\"0\"".into(), ..verify(&pending.name) };
        let status = eventually_heard(&mut of_patna, stale).await;
        assert_eq!(refusal(&status).0, "ETAG_MISMATCH");

        let request = VerifyApplicationRequest {
            etag: pending.etag.clone(),
            request_id: Uuid::new_v4().to_string(),
            ..verify(&pending.name)
        };
        let active = of_patna.verify_application(request.clone()).await.expect("verifies").into_inner();
        assert_eq!((active.state(), groups(&active)), (State::Active, vec!["groups/kotwali-ps-community"]));
        assert!(active.verifier.starts_with("members/") && active.verify_time.is_some() && active.etag != pending.etag);
        let again = of_patna.verify_application(request).await.expect("the same answer").into_inner();
        assert_eq!(again, active);
        let status = of_patna.verify_application(verify(&pending.name)).await.expect_err("is no application any more");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "MEMBER_STATE_FORBIDS".into()));
        assert_eq!(persons(&membership).await, 1);
        assert_eq!(membership.group("kotwali-ps-community").await.enrolled_count, 1);
        assert_eq!(acts(&membership, &active.name).await, [MemberAct::Verified, MemberAct::Applied]);
        let given = |purpose| (purpose, true, "notices/notice-1".to_owned(), 4);
        assert_eq!(ledger(&membership, &active.name).await, [given(1), given(2)]);
        assert_eq!(wrong_sizes(&membership).await, 0);
    }
}

/// The refusal of a request as soon as the officer's posting is known.
async fn eventually_heard(
    officer: &mut senani_proto::membership::v1::application_service_client::ApplicationServiceClient<
        senani_client::Channel,
    >,
    request: VerifyApplicationRequest,
) -> tonic::Status {
    let mut found = None;
    senani_testkit::eventually(std::time::Duration::from_secs(20), "the posting to be known", async || {
        let status = officer.clone().verify_application(request.clone()).await.expect_err("a refusal");
        let known = status.code() != Code::PermissionDenied;
        found = Some(status);
        known
    })
    .await;
    found.expect("a refusal")
}

#[tokio::test]
async fn a_rejected_applicant_leaves_a_free_number_and_a_sealed_note() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let mut sho = officer(&membership, "kotwali-ps").await;
        let pending = apply(&membership, teacher(1)).await.expect("applies");
        let unlisted = RejectApplicationRequest { reason: 99, ..reject(&pending.name, "") };
        let status = sho.reject_application(unlisted).await.expect_err("no reason");
        assert_eq!(refusal(&status), ("REASON_INVALID".into(), vec!["reason".into()]));
        let status = sho.reject_application(reject(&pending.name, &"x".repeat(1_001))).await.expect_err("too long");
        assert_eq!(refusal(&status).0, "NOTE_INVALID");
        let note = "the canary of Boring Road knows nobody";
        let rejected = sho.reject_application(reject(&pending.name, note)).await.expect("rejects").into_inner();
        assert_eq!((rejected.state(), rejected.masked_phone.as_str()), (State::Rejected, ""));
        let happened = history(&membership, &pending.name).await;
        assert_eq!((happened[0].act(), happened[0].code, happened[0].note.as_str()), (MemberAct::Rejected, 1, note));
        let plain = "SELECT COUNT(*) FROM member_history WHERE mark LIKE '%canary%' OR subject LIKE '%canary%' \
                     OR CAST(note_sealed AS text) LIKE '%canary%'";
        assert_eq!(membership.number(plain).await, 0, "{engine:?}");
        assert!(by_number(&membership, 1).await.is_none());
        // The number is free: the person may ask once more.
        let again = apply(&membership, teacher(1)).await.expect("applies again");
        assert_ne!(again.name, pending.name);
        assert_eq!(
            sho.verify_application(verify(&again.name)).await.expect("verifies").into_inner().state(),
            State::Active
        );
    }
}

#[tokio::test]
async fn a_taken_number_or_address_is_refused_without_a_word_on_whose_it_is() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        membership.import(HEADER.to_owned() + &public(1, "gaya-ps")).await.expect("imports");
        let holder = by_number(&membership, 1).await.expect("is there").name;
        let with_email = |number, email: &str| {
            let mut request = teacher(number);
            request.email = email.to_owned();
            request
        };
        let before = membership.state().await;
        let status = apply(&membership, teacher(1)).await.expect_err("taken");
        assert_eq!((status.code(), refusal(&status).0), (Code::AlreadyExists, "PHONE_DUPLICATE".into()));
        let told = format!("{status:?}");
        assert!(!told.contains(&holder) && !told.contains("1000000001") && !told.contains("gaya"), "{told}");
        assert_eq!(membership.state().await, before, "{engine:?}: nothing is written of who is refused");

        apply(&membership, with_email(2, "Sita@Example.org")).await.expect("applies");
        let status = apply(&membership, teacher(2)).await.expect_err("applied already");
        assert_eq!(refusal(&status).0, "PHONE_DUPLICATE");
        let before = membership.state().await;
        let status = apply(&membership, with_email(3, "sita@example.ORG")).await.expect_err("the address is taken");
        assert_eq!((status.code(), refusal(&status).0), (Code::AlreadyExists, "IDENTIFIER_TAKEN".into()));
        assert_eq!(membership.state().await, before);
        // An application holds its number against an import too.
        let done = membership.import(HEADER.to_owned() + &public(2, "gaya-ps")).await.expect("imports");
        assert_eq!((done.accepted_count, done.rejected_by_reason["PHONE_DUPLICATE"]), (0, 1));
    }
}

#[tokio::test]
async fn everything_wrong_with_an_application_is_named_at_once() {
    for engine in engines() {
        let membership = Membership::start(engine).await;
        let mut wrong = teacher(1);
        wrong.display_names.clear();
        wrong.phone = "12345".into();
        wrong.unit = "units/old-ps".into();
        wrong.category = "astronaut".into();
        wrong.gender = String::new();
        wrong.language = "fr".into();
        wrong.email = "nobody".into();
        wrong.notice_version = String::new();
        let status = apply(&membership, wrong).await.expect_err("wrong");
        let (reason, fields) = refusal(&status);
        assert_eq!((status.code(), reason.as_str()), (Code::InvalidArgument, "NAMES_INVALID"));
        let all = ["display_names", "category", "gender", "language", "phone", "email", "unit", "notice_version"];
        assert_eq!(fields, all, "{engine:?}");
        let mut ranked = teacher(1);
        ranked.rank = Rank::Constable.into();
        assert_eq!(refusal(&apply(&membership, ranked).await.expect_err("no police")).0, "RANK_INVALID");
        let mut unread = teacher(1);
        unread.notice_version = "notice-2020".into();
        assert_eq!(refusal(&apply(&membership, unread).await.expect_err("no notice")).0, "NOTICE_UNKNOWN");
        assert_eq!(membership.number("SELECT COUNT(*) FROM member").await, 0);
    }
}

#[tokio::test]
async fn a_repeated_application_is_one_and_what_is_remembered_of_it_names_nobody() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let mut request = teacher(1);
        request.request_id = Uuid::new_v4().to_string();
        let first = apply(&membership, request.clone()).await.expect("applies");
        assert_eq!(apply(&membership, request.clone()).await.expect("the same answer"), first, "{engine:?}");
        request.phone = "1000000002".into();
        let status = apply(&membership, request).await.expect_err("another request");
        assert_eq!(refusal(&status).0, "REQUEST_ID_REUSED");
        let remembered = "SELECT COUNT(*) FROM request_log WHERE length(fingerprint) = 32 AND length(response) < 60";
        assert_eq!(membership.number(remembered).await, 1, "a keyed fingerprint and a name");
        assert_eq!(member(&membership, &first.name).await.state(), State::Pending);
    }
}

#[tokio::test]
async fn applications_are_listed_by_subtree_and_page_the_oldest_first() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let mut sho = officer(&membership, "kotwali-ps").await;
        let mut names = Vec::new();
        for number in 0..7 {
            let mut request = teacher(number);
            if number % 3 == 2 {
                request.unit = "units/gaya-ps".into();
            }
            names.push(apply(&membership, request).await.expect("applies").name);
        }
        sho.verify_application(verify(&names[0])).await.expect("verifies");
        for (unit, expected) in [
            ("", vec![1, 2, 3, 4, 5, 6]),
            ("units/patna-district", vec![1, 3, 4, 6]),
            ("units/gaya-ps", vec![2, 5]),
            ("units/eou-wing", vec![]),
        ] {
            let mut request = ListApplicationsRequest { unit: unit.into(), page_size: 2, ..Default::default() };
            let mut found = Vec::new();
            loop {
                let page = portal(&membership).list_applications(request.clone()).await.expect("a page").into_inner();
                assert!(page.members.len() <= 2);
                found.extend(page.members.into_iter().map(|member| member.name));
                request.page_token = page.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
            let expected: Vec<String> = expected.into_iter().map(|at: usize| names[at].clone()).collect();
            assert_eq!(found, expected, "{engine:?} {unit}");
        }
        let nowhere = ListApplicationsRequest { unit: "units/nowhere-ps".into(), ..Default::default() };
        let status = portal(&membership).list_applications(nowhere).await.expect_err("no unit");
        assert_eq!(refusal(&status).0, "UNIT_UNKNOWN");
    }
}

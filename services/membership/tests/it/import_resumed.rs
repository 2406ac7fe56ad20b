//! Imports that are cut, repeated or run twice under one id.

use std::time::Duration;

use senani_proto::membership::v1::GetImportRequest;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_testkit::{engines, eventually};
use tokio_stream::StreamExt as _;
use tonic::Code;
use uuid::Uuid;

use crate::fixture::{HEADER, Membership, connect, file, import, pieces, public, refusal};

const UNITS: [&str; 4] = ["kotwali-ps", "gaya-ps", "gandhi-maidan-ps", "kotwali-op"];

/// 6,000 rows, of which some are wrong and some come twice; line breaks as a spreadsheet writes them.
fn mixed() -> String {
    let rows = (0..6_000).map(|number| match number % 100 {
        7 => public(number, "nowhere-ps"),
        8 => public(number - 8, "gaya-ps"),
        _ => public(number, UNITS[number as usize % 4]),
    });
    (HEADER.to_owned() + &rows.collect::<String>()).replace('\n', "\r\n")
}

#[tokio::test]
async fn an_import_that_was_cut_goes_on_and_ends_as_if_nothing_had_happened() {
    for engine in engines() {
        let undisturbed = Membership::with_groups(engine).await;
        let expected = undisturbed.import(mixed()).await.expect("imports");

        let membership = Membership::with_groups(engine).await;
        let id = Uuid::new_v4();
        let name = format!("memberImports/{id}");
        // The first half of the messages, then silence until the caller is gone.
        let messages = pieces(&id.to_string(), mixed().as_bytes());
        let half = messages.len() / 2 + 1;
        let cut = tokio_stream::iter(messages.into_iter().take(half)).chain(futures::stream::pending());
        let mut cut_off = MemberServiceClient::new(connect(membership.address, "officers/tester"));
        let reports = cut_off.import_members(cut).await.expect("begins").into_inner();
        let durable = eventually(Duration::from_secs(30), "a chunk to be durable", async || {
            let request = GetImportRequest { name: name.clone() };
            membership.members.clone().get_import(request).await.ok().map(tonic::Response::into_inner)
        })
        .await;
        drop((reports, cut_off));
        assert!(!durable.complete && durable.row_count >= 2_000 && durable.row_count < 6_000);

        let resumed = membership.import_as(id, mixed()).await;
        // What the cut stream had under way may still become durable meanwhile.
        let resumed = match resumed {
            Err(status) if refusal(&status).0 == "IMPORT_OVERTAKEN" => membership.import_as(id, mixed()).await,
            other => other,
        }
        .expect("goes on");
        for (of_resumed, of_expected) in [
            (resumed.row_count, expected.row_count),
            (resumed.accepted_count, expected.accepted_count),
            (resumed.enrolment_count, expected.enrolment_count),
        ] {
            assert_eq!(of_resumed, of_expected);
        }
        assert_eq!(resumed.rejected_by_reason, expected.rejected_by_reason);
        assert_eq!(membership.rejected(&resumed).await, undisturbed.rejected(&expected).await);
        let members = "SELECT COUNT(*) FROM member";
        assert_eq!(membership.number(members).await, undisturbed.number(members).await);

        let before = membership.state().await;
        assert_eq!(membership.import_as(id, mixed()).await.expect("is in already"), resumed);
        assert_eq!(membership.state().await, before);
    }
}

#[tokio::test]
async fn another_file_under_the_same_id_is_refused() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let id = Uuid::new_v4();
        let first = file(0..10, &UNITS);
        membership.import_as(id, &first).await.expect("imports");
        let before = membership.state().await;
        let longer = file(0..11, &UNITS);
        let shorter = file(0..9, &UNITS);
        let other = first.replace("Name 3", "Name 4");
        for another in [longer, shorter, other] {
            let status = membership.import_as(id, another).await.expect_err("another file");
            assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "IMPORT_ID_REUSED".into()));
        }
        assert_eq!(membership.state().await, before);
        // Under an id of its own it is another import, in which these people are known already.
        let again = membership.import(&first).await.expect("imports");
        assert_eq!((again.accepted_count, again.rejected_by_reason["PHONE_DUPLICATE"]), (0, 10));
    }
}

#[tokio::test]
async fn two_streams_with_one_id_count_nothing_twice() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let id = Uuid::new_v4().to_string();
        let streams = (0..3).map(|_| import(membership.members.clone(), pieces(&id, mixed().as_bytes())));
        let mut done = 0;
        for outcome in futures::future::join_all(streams).await {
            match outcome {
                Ok(_) => done += 1,
                Err(status) => {
                    assert_eq!((status.code(), refusal(&status).0), (Code::Aborted, "IMPORT_OVERTAKEN".into()));
                }
            }
        }
        // One of them may have been overtaken by each of the others; a last stream ends what is left.
        let last = import(membership.members.clone(), pieces(&id, mixed().as_bytes())).await.expect("ends");
        assert!(done <= 3);
        assert_eq!((last.row_count, last.accepted_count + last.rejected_count), (6_000, 6_000));
        assert_eq!(last.rejected_by_reason["UNIT_UNKNOWN"], 60);
        assert_eq!(membership.number("SELECT COUNT(*) FROM member").await, last.accepted_count);
        assert_eq!(membership.number("SELECT COUNT(*) FROM rejected_row").await, last.rejected_count);
        assert_eq!(membership.number("SELECT COUNT(*) FROM enrolment").await, last.enrolment_count);
    }
}

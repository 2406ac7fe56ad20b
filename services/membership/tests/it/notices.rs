//! Notices: published once, named by every consent.

use senani_proto::membership::v1::{
    GetNoticeRequest, ListNoticesRequest, PublishNoticeRequest, Purpose, RecordConsentRequest,
};
use senani_testkit::engines;
use tonic::Code;
use uuid::Uuid;

use crate::fixture::{HEADER, Membership, import, pieces, public, refusal};
use crate::persons::{by_number, notice, notices};

#[tokio::test]
async fn a_notice_speaks_hindi_and_english_and_is_never_changed() {
    for engine in engines() {
        let membership = Membership::start(engine).await;
        let mut client = notices(&membership);
        let request = PublishNoticeRequest { request_id: Uuid::new_v4().to_string(), ..notice("notice-2026-1") };
        let published = client.publish_notice(request.clone()).await.expect("publishes").into_inner();
        assert_eq!(
            (published.name.as_str(), published.publisher.as_str()),
            ("notices/notice-2026-1", "officers/tester")
        );
        assert_eq!(published.fingerprint.len(), 64);
        assert_eq!(client.publish_notice(request).await.expect("the same answer").into_inner(), published);
        let get = GetNoticeRequest { name: published.name.clone() };
        assert_eq!(client.get_notice(get).await.expect("is there").into_inner(), published, "{engine:?}");

        let status = client.publish_notice(notice("notice-2026-1")).await.expect_err("is published");
        assert_eq!(
            (status.code(), refusal(&status)),
            (Code::AlreadyExists, ("SLUG_TAKEN".into(), vec!["notice_id".into()]))
        );
        let mut wrong = notice("N");
        let content = wrong.notice.as_mut().expect("a notice");
        content.titles.remove("hi");
        content.texts.remove("en");
        content.purposes = vec![Purpose::Unspecified.into()];
        content.effective_date = "tomorrow".into();
        let status = client.publish_notice(wrong).await.expect_err("wrong");
        let fields = [
            "notice_id",
            "notice.effective_date",
            "notice.purposes[0]",
            "notice.titles",
            "notice.texts",
            "notice.purposes",
        ];
        assert_eq!(refusal(&status).1, fields);
        let mut silent = notice("notice-2026-2");
        silent.notice.as_mut().expect("a notice").texts.remove("hi");
        assert_eq!(refusal(&client.publish_notice(silent).await.expect_err("silent")).0, "NOTICE_TEXT_MISSING");
        let status =
            client.get_notice(GetNoticeRequest { name: "notices/notice-2026-2".into() }).await.expect_err("none");
        assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, "NOTICE_NOT_FOUND".into()));
    }
}

#[tokio::test]
async fn notices_are_listed_by_their_day_the_latest_first() {
    for engine in engines() {
        let membership = Membership::start(engine).await;
        let mut client = notices(&membership);
        for (slug, date) in [("notice-b", "2026-06-01"), ("notice-a", "2026-06-01"), ("notice-c", "2025-01-01")] {
            let mut request = notice(slug);
            request.notice.as_mut().expect("a notice").effective_date = date.into();
            client.publish_notice(request).await.expect("publishes");
        }
        let mut request = ListNoticesRequest { page_size: 2, ..Default::default() };
        let mut names = Vec::new();
        loop {
            let page = client.list_notices(request.clone()).await.expect("a page").into_inner();
            names.extend(page.notices.into_iter().map(|notice| notice.name));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        let slugs = ["notice-a", "notice-b", "notice-1", "notice-2", "notice-c"];
        assert_eq!(names, slugs.map(|slug| format!("notices/{slug}")), "{engine:?}");
    }
}

#[tokio::test]
async fn a_consent_names_a_published_notice_or_none() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let file = HEADER.to_owned() + &public(1, "kotwali-ps");
        let with_notice = |version: &str| {
            let mut messages = pieces(&Uuid::new_v4().to_string(), file.as_bytes());
            if let Some(senani_proto::membership::v1::import_members_request::Piece::Options(options)) =
                &mut messages[0].piece
            {
                options.notice_version = version.to_owned();
            }
            messages
        };
        let status = import(membership.members.clone(), with_notice("notice-9")).await.expect_err("no such notice");
        assert_eq!(refusal(&status), ("NOTICE_UNKNOWN".into(), vec!["options.notice_version".into()]));
        assert_eq!(membership.number("SELECT COUNT(*) FROM member").await, 0, "{engine:?}");
        let done = import(membership.members.clone(), with_notice("")).await.expect("what was shown is not known");
        assert_eq!(done.accepted_count, 1);

        let name = by_number(&membership, 1).await.expect("is there").name;
        let record = |version: &str| RecordConsentRequest {
            name: name.clone(),
            consents: false,
            notice_version: version.into(),
        };
        let status = membership.members.record_consent(record("notice-9")).await.expect_err("no such notice");
        assert_eq!(refusal(&status), ("NOTICE_UNKNOWN".into(), vec!["notice_version".into()]));
        membership.members.record_consent(record("")).await.expect("records");
    }
}

//! Members: found, listed, counted, and what they consent to.

use senani_proto::membership::v1::{
    AudienceCount, AudienceSelector, CountAudienceRequest, FindMemberByPhoneRequest, GetMemberRequest, GroupAudience,
    ListMembersRequest, RecordConsentRequest,
};
use senani_testkit::engines;
use tonic::Code;

use crate::fixture::{HEADER, Membership, file, police, public, refusal};

fn by_phone(phone: &str) -> FindMemberByPhoneRequest {
    FindMemberByPhoneRequest { phone: phone.to_owned() }
}

#[tokio::test]
async fn a_member_is_found_by_the_number_in_any_spelling_and_it_is_always_masked() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        membership.import(file(41..43, &["kotwali-ps"])).await.expect("imports");
        let member =
            membership.members.find_member_by_phone(by_phone("1000000042")).await.expect("is there").into_inner();
        assert_eq!((member.masked_phone.as_str(), member.unit.as_str()), ("+91 ••••••0042", "units/kotwali-ps"));
        assert_eq!((member.display_names["hi"].as_str(), member.category.as_str()), ("नाम 42", "teacher"));
        assert!(member.consents_to_direct_messages);
        assert_eq!(member.enrolments[0].group, "groups/kotwali-ps-community");
        for spelling in ["+91 10000 00042", "0091-1000000042", "01000000042", "१०००००००४२"] {
            let found = membership.members.find_member_by_phone(by_phone(spelling)).await.expect("is there");
            assert_eq!(found.into_inner(), member, "{spelling}");
        }
        let request = GetMemberRequest { name: member.name.clone() };
        assert_eq!(membership.members.get_member(request).await.expect("is there").into_inner(), member);

        for (phone, code, reason) in [
            ("1000000099", Code::NotFound, "MEMBER_NOT_FOUND"),
            ("98765", Code::InvalidArgument, "PHONE_INVALID"),
            ("", Code::InvalidArgument, "PHONE_INVALID"),
        ] {
            let status = membership.members.find_member_by_phone(by_phone(phone)).await.expect_err(reason);
            assert_eq!((status.code(), refusal(&status).0), (code, reason.to_owned()));
            assert!(phone.is_empty() || !format!("{status:?}").contains(phone), "an error repeats no number");
        }
        let name = format!("members/{}", uuid::Uuid::new_v4());
        let status = membership.members.get_member(GetMemberRequest { name }).await.expect_err("nobody");
        assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, "MEMBER_NOT_FOUND".into()));
        let status =
            membership.members.get_member(GetMemberRequest { name: "members/7".into() }).await.expect_err("no name");
        assert_eq!(refusal(&status), ("NAME_INVALID".into(), vec!["name".into()]));
    }
}

#[tokio::test]
async fn members_are_listed_by_unit_and_page_in_the_order_of_their_ids() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        membership.import(file(0..30, &["kotwali-ps", "gaya-ps"])).await.expect("imports");
        for (unit, expected) in [("", 30), ("units/gaya-ps", 15), ("units/patna-district", 0)] {
            let mut names = Vec::new();
            let mut request = ListMembersRequest { unit: unit.to_owned(), page_size: 7, ..Default::default() };
            loop {
                let page = membership.members.list_members(request.clone()).await.expect("a page").into_inner();
                names.extend(page.members.into_iter().map(|member| member.name));
                request.page_token = page.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
            assert_eq!(names.len(), expected);
            assert!(names.is_sorted_by(|one, next| one < next));
        }
        for (request, reason) in [
            (ListMembersRequest { page_size: -1, ..Default::default() }, "PAGE_SIZE_INVALID"),
            (ListMembersRequest { page_token: "x".into(), ..Default::default() }, "PAGE_TOKEN_INVALID"),
            (ListMembersRequest { unit: "units/nowhere-ps".into(), ..Default::default() }, "UNIT_UNKNOWN"),
        ] {
            let status = membership.members.list_members(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason);
        }
    }
}

#[tokio::test]
async fn consent_can_be_given_and_withdrawn_and_every_record_stays() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        membership.import(HEADER.to_owned() + &public(1, "kotwali-ps")).await.expect("imports");
        let member =
            membership.members.find_member_by_phone(by_phone("1000000001")).await.expect("is there").into_inner();
        let record =
            |consents| RecordConsentRequest { name: member.name.clone(), consents, notice_version: "notice-2".into() };
        for consents in [false, true, true, false] {
            let answer = membership.members.record_consent(record(consents)).await.expect("records").into_inner();
            assert_eq!(answer.consents_to_direct_messages, consents);
        }
        assert_eq!(membership.number("SELECT COUNT(*) FROM member_consent").await, 5);
        let given =
            "SELECT COUNT(*) FROM member_consent WHERE consents AND notice_version = 'notice-2' AND channel = 2";
        assert_eq!(membership.number(given).await, 2);
        let imported =
            "SELECT COUNT(*) FROM member_consent WHERE consents AND notice_version = 'notice-1' AND channel = 1";
        assert_eq!(membership.number(imported).await, 1);
        let nobody = RecordConsentRequest { name: format!("members/{}", uuid::Uuid::new_v4()), ..record(true) };
        let status = membership.members.record_consent(nobody).await.expect_err("nobody");
        assert_eq!(refusal(&status).0, "MEMBER_NOT_FOUND");
    }
}

#[tokio::test]
async fn an_audience_counts_each_person_once() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let without_consent = public(50, "kotwali-ps").replace(",yes", ",no");
        let rows = [
            file(0..20, &["kotwali-ps", "gaya-ps"]),
            without_consent,
            // In two groups of the centre.
            police(60, "patna-centre", "constable", "female", "member"),
            police(61, "eou-wing", "dsp", "male", "custodian"),
        ];
        membership.import(rows.concat()).await.expect("imports");
        let count = |units: &[&str], audiences: &[GroupAudience]| CountAudienceRequest {
            audience: Some(AudienceSelector {
                units: units.iter().map(|unit| (*unit).to_owned()).collect(),
                group_audiences: audiences.iter().map(|audience| (*audience).into()).collect(),
                ..AudienceSelector::default()
            }),
        };
        for (units, audiences, expected) in [
            (&["units/bihar-hq"][..], &[][..], (8, 24, 23, 22)),
            (&["units/bihar-hq", "units/gaya-ps"], &[], (8, 24, 23, 22)),
            (&["units/patna-district"], &[], (6, 13, 12, 11)),
            (&["units/gaya-ps", "units/kotwali-ps"], &[], (3, 21, 21, 20)),
            (&["units/patna-centre"], &[GroupAudience::WomenPolice], (1, 1, 1, 1)),
            (&["units/bihar-hq"], &[GroupAudience::Apex, GroupAudience::WomenPolice], (2, 2, 2, 2)),
            (&["units/gaya-ps"], &[GroupAudience::Apex], (0, 0, 0, 0)),
        ] {
            let found = membership.members.count_audience(count(units, audiences)).await.expect("counts").into_inner();
            let (group_count, enrolment_count, person_count, consenting_count) = expected;
            let expected = AudienceCount { group_count, enrolment_count, person_count, consenting_count };
            assert_eq!(found, expected, "{units:?} {audiences:?}");
        }
        let many: Vec<&str> = vec!["units/gaya-ps"; 101];
        let mut unknown_audience = count(&["units/gaya-ps"], &[]);
        unknown_audience.audience.as_mut().expect("a selector").group_audiences = vec![1, 40];
        for (request, reason, fields) in [
            (CountAudienceRequest { audience: None }, "AUDIENCE_INVALID", vec!["audience"]),
            (count(&[], &[]), "AUDIENCE_INVALID", vec!["audience.units"]),
            (count(&many, &[]), "AUDIENCE_INVALID", vec!["audience.units"]),
            (unknown_audience, "AUDIENCE_INVALID", vec!["audience.group_audiences[1]"]),
            (count(&["units/nowhere-ps", "gaya"], &[]), "UNIT_UNKNOWN", vec!["audience.units[0]", "audience.units[1]"]),
        ] {
            let status = membership.members.count_audience(request).await.expect_err(reason);
            let fields = fields.into_iter().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!((status.code(), refusal(&status)), (Code::InvalidArgument, (reason.to_owned(), fields)));
        }
    }
}

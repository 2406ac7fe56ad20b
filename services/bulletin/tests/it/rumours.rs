//! Files and rumours in messages.

use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::read_evidence_response::Piece;
use senani_proto::bulletin::v1::report::State;
use senani_proto::bulletin::v1::report_entry::Kind;
use senani_testkit::{engines, eventually};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::cell::{APPROVER, AUTHOR, Cell, DEADLINE, draft};
use crate::inbound::{entries, listed, post, taken};
use crate::lifecycle::{pieces, png};
use crate::recount::number;
use crate::reports::staffed;

/// A published bulletin with a poster, which the provider then has; the poster as it was encoded anew, and its id there.
async fn uploaded(cell: &Cell) -> (pb::Poster, String) {
    let mut author = cell.bulletins(AUTHOR);
    let request = pb::CreateBulletinRequest { bulletin: Some(draft()), request_id: String::new() };
    let name = author.create_bulletin(request).await.expect("a draft").into_inner().name;
    let attached = author.attach_poster(futures::stream::iter(pieces(&name, &png(40, 30)))).await.expect("attached");
    let poster = attached.into_inner().poster.expect("a poster");
    author.submit_bulletin(pb::SubmitBulletinRequest { name: name.clone() }).await.expect("in review");
    let approve = pb::ApproveBulletinRequest { name: name.clone(), etag: String::new() };
    cell.bulletins(APPROVER).approve_bulletin(approve).await.expect("approved");
    cell.publish(&name, "patna").await;
    cell.settled(&name).await;
    let sql = "SELECT media_id FROM channel_media";
    let store = cell.store();
    let statement = sea_orm::Statement::from_string(store.backend(), sql);
    let row = sea_orm::ConnectionTrait::query_one_raw(store.reader(), statement).await.expect("a query");
    (poster, row.expect("uploaded").try_get_by_index(0).expect("an id"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_in_a_message_is_fetched_from_the_provider_and_kept_as_evidence() {
    for engine in engines() {
        let cell = staffed(engine, |_| {}).await;
        let (poster, media_id) = uploaded(&cell).await;
        let from = "919900000077";
        let photo = |id: &str, media: &str| {
            json!({"from": from, "id": id, "timestamp": "1750000000", "type": "image",
                "image": {"id": media, "mime_type": "image/png; x=1", "sha256": "q", "caption": "near the gate"}})
        };
        // One that the provider has, one that it has not, and one whose id is none.
        post(&cell, &[photo("wamid.1", &media_id), photo("wamid.2", "424242"), photo("wamid.3", "../1?x=")]).await;
        taken(&cell).await;
        eventually(DEADLINE, "the files to be fetched or given up", async || {
            (number(&cell.store(), "SELECT COUNT(*) FROM report_media").await == 0).then_some(())
        })
        .await;
        let name = listed(&cell).await[0].name.clone();
        let evidence: Vec<_> =
            entries(&cell, &name).await.into_iter().filter(|entry| entry.kind() == Kind::Evidence).collect();
        assert_eq!(evidence.len(), 1, "{engine}");
        let file = evidence[0].body.clone().unwrap().file.unwrap();
        assert_eq!((file.media_type.as_str(), file.size), ("image/png", poster.size));
        let read = pb::ReadEvidenceRequest { name: name.clone(), sequence: evidence[0].sequence };
        let mut stream = cell.reports(AUTHOR).read_evidence(read).await.unwrap().into_inner();
        let mut back = Vec::new();
        while let Some(message) = stream.message().await.unwrap() {
            if let Some(Piece::Content(piece)) = message.piece {
                back.extend_from_slice(&piece);
            }
        }
        assert_eq!(hex::encode(Sha256::digest(&back)), poster.sha256, "{engine}: the file came back changed");
        let verify = pb::VerifyEvidenceRequest { name };
        let verdict = cell.reports(AUTHOR).verify_evidence(verify).await.unwrap().into_inner();
        assert!(verdict.intact && verdict.file_count == 1, "{verdict:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_round_is_found_and_the_verdict_goes_to_where_it_was_seen() {
    const BRIDGE: &str =
        "Share with all! The bridge at Gandhi Setu has fallen, do not travel tonight, forward to all groups";
    const CHILD: &str =
        "Child lifters in a white van near schools, keep your children at home and tell everybody you know";
    for engine in engines() {
        let cell = staffed(engine, |_| {}).await;
        let phones: Vec<String> = {
            let state = cell.register.state.lock().unwrap();
            state.members.iter().take(3).map(|member| member.phone.trim_start_matches('+').to_owned()).collect()
        };
        let sent = |id: &str, from: &str, text: &str, often: bool| {
            json!({"from": from, "id": id, "timestamp": "1750000000", "type": "text", "text": {"body": text},
                "context": {"forwarded": true, "frequently_forwarded": often}})
        };
        post(
            &cell,
            &[
                sent("wamid.1", &phones[0], BRIDGE, true),
                sent("wamid.2", &phones[1], &BRIDGE.to_uppercase().replace(',', " !! "), true),
                sent("wamid.3", &phones[2], CHILD, true),
                sent("wamid.4", "919900000077", BRIDGE, false),
            ],
        )
        .await;
        taken(&cell).await;
        let mut desk = cell.reports(AUTHOR);
        let rumours = desk.list_rumours(pb::ListRumoursRequest::default()).await.unwrap().into_inner().rumours;
        assert_eq!(rumours.iter().map(|rumour| rumour.report_count).collect::<Vec<_>>(), [2, 1], "{engine}");
        assert_eq!(rumours[0].units.len(), 2);

        let mut wanted = pb::JudgeRumourRequest {
            reports: rumours[0].reports.clone(),
            verdict: pb::RumourVerdict::False.into(),
            bulletin: cell.approved().await.name,
            note: "the bridge stands".to_owned(),
            ..pb::JudgeRumourRequest::default()
        };
        let refused = desk.judge_rumour(wanted.clone()).await.unwrap_err();
        assert_eq!(senani_error::reason_of(&refused).as_deref(), Some("VERDICT_INVALID"), "of another category");
        let bulletin = pb::Bulletin { category: pb::Category::Rumour.into(), ..draft() };
        let create = pb::CreateBulletinRequest { bulletin: Some(bulletin), request_id: String::new() };
        wanted.bulletin = cell.bulletins(AUTHOR).create_bulletin(create).await.unwrap().into_inner().name;
        let judged = desk.judge_rumour(wanted.clone()).await.unwrap().into_inner();
        assert_eq!(judged.audience.unwrap().units, rumours[0].units);
        for report in listed(&cell).await {
            let of_it = rumours[0].reports.contains(&report.name);
            assert_eq!(report.state() == State::Resolved, of_it, "{engine}");
            assert_eq!(report.bulletin == wanted.bulletin, of_it);
            if of_it {
                let kinds: Vec<_> = entries(&cell, &report.name).await.iter().map(pb::ReportEntry::kind).collect();
                assert_eq!(kinds, [Kind::Received, Kind::Triaged, Kind::Verdict, Kind::Resolved]);
            }
        }
    }
}

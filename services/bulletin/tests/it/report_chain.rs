//! Evidence, and that nobody changes it unseen.

use sea_orm::ConnectionTrait;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::add_evidence_request::Piece;
use senani_proto::bulletin::v1::bulletin_event::Kind as Told;
use senani_proto::bulletin::v1::read_evidence_response::Piece as Read;
use senani_proto::eventlog::v1::SubscribeRequest;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_store::Store;
use senani_testkit::engines;
use sha2::{Digest, Sha256};

use crate::cell::Cell;
use crate::reports::{SHO, staffed, subject, submit, told};

/// What somebody with the database's password does.
pub(crate) async fn execute(store: &Store, sql: &str) {
    let txn = store.begin_write().await.expect("a transaction");
    txn.execute_unprepared(sql).await.expect(sql);
    txn.commit().await.expect("committed");
}

fn stream(header: pb::EvidenceHeader, content: &[u8]) -> Vec<pb::AddEvidenceRequest> {
    let pieces = content.chunks(300_000).map(|piece| Piece::Content(piece.to_vec().into()));
    let pieces = [Piece::Header(header)].into_iter().chain(pieces);
    pieces.map(|piece| pb::AddEvidenceRequest { piece: Some(piece) }).collect()
}

async fn verified(cell: &Cell, name: &str) -> pb::VerifyEvidenceResponse {
    let request = pb::VerifyEvidenceRequest { name: name.to_owned() };
    cell.reports(&subject(SHO)).verify_evidence(request).await.expect("a verdict").into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_comes_out_as_it_went_in_and_whoever_changes_anything_is_seen() {
    for engine in engines() {
        let cell = staffed(engine, |config| config.reports.evidence_max_bytes = 2_000_000).await;
        let name = submit(&cell, told("photograph of the vehicle")).await.name;
        let mut sho = cell.reports(&subject(SHO));
        let content: Vec<u8> = (0..1_300_000_u32).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
        let sha256 = hex::encode(Sha256::digest(&content));
        let header = || pb::EvidenceHeader {
            name: name.clone(),
            media_type: "image/jpeg".to_owned(),
            sha256: sha256.clone(),
            ..pb::EvidenceHeader::default()
        };
        let report = sho.add_evidence(futures::stream::iter(stream(header(), &content))).await.unwrap().into_inner();
        assert_eq!(report.entry_count, 2);
        let read = pb::ReadEvidenceRequest { name: name.clone(), sequence: 2 };
        let mut pieces = sho.read_evidence(read).await.unwrap().into_inner();
        let mut back = Vec::new();
        while let Some(message) = pieces.message().await.unwrap() {
            match message.piece.unwrap() {
                Read::File(file) => assert_eq!((file.size, &file.sha256), (1_300_000, &sha256)),
                Read::Content(piece) => back.extend_from_slice(&piece),
            }
        }
        assert!(back == content, "the file came back changed");
        for (header, content, reason) in [
            (header(), vec![7; 2_000_001], "EVIDENCE_TOO_LARGE"),
            (header(), vec![7; 10], "EVIDENCE_INVALID"),
            (pb::EvidenceHeader { media_type: "photo".to_owned(), ..header() }, content.clone(), "EVIDENCE_INVALID"),
        ] {
            let refused = sho.add_evidence(futures::stream::iter(stream(header, &content))).await.unwrap_err();
            assert_eq!(senani_error::reason_of(&refused).as_deref(), Some(reason));
        }

        let sound = verified(&cell, &name).await;
        assert!(sound.intact && sound.file_count == 1 && sound.entry_count == 2, "{sound:?}");
        assert_eq!(sound.head, told_head(&cell).await, "who follows the log is a witness");
        let store = cell.store();
        for (forgery, repair, broken) in [
            (
                "UPDATE report_entry SET actor = 'officers/x' WHERE sequence = 1",
                "UPDATE report_entry SET actor = 'officers/web-form' WHERE sequence = 1",
                1,
            ),
            (
                "UPDATE report_entry SET at = at + 1 WHERE sequence = 2",
                "UPDATE report_entry SET at = at - 1 WHERE sequence = 2",
                2,
            ),
            (
                "UPDATE report_file SET piece = piece + 10 WHERE piece = 2",
                "UPDATE report_file SET piece = 2 WHERE piece = 12",
                2,
            ),
            ("UPDATE report SET entry_count = 1", "UPDATE report SET entry_count = 2", 2),
        ] {
            execute(&store, forgery).await;
            let found = verified(&cell, &name).await;
            assert_eq!((found.intact, found.first_broken_sequence), (false, broken), "{forgery}");
            execute(&store, repair).await;
            assert!(verified(&cell, &name).await.intact, "{repair}");
        }
    }
}

/// The head of the chain in the last event.
async fn told_head(cell: &Cell) -> bytes::Bytes {
    let mut log = EventLogServiceClient::new(cell.channel(Some("services/analytics")));
    let mut feed = log.subscribe(SubscribeRequest::default()).await.expect("a feed").into_inner();
    let mut head = bytes::Bytes::new();
    for _ in 0..2 {
        for event in feed.message().await.expect("a feed").expect("events").events {
            if let Some(Payload::Bulletin(pb::BulletinEvent { kind: Some(Told::ReportChanged(changed)) })) =
                event.payload
            {
                head = changed.chain_head;
                if changed.entry_count == 2 {
                    return head;
                }
            }
        }
    }
    head
}

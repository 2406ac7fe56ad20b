//! The whole life of a bulletin.

use std::collections::BTreeSet;
use std::io::Cursor;

use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::attach_poster_request::Piece;
use senani_testkit::engines;
use uuid::Uuid;

use crate::cell::{APPROVER, AUTHOR, Cell, audience, draft};
use crate::recount;

/// A small PNG.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = image::DynamicImage::new_rgb8(width, height);
    image.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).expect("memory takes every write");
    bytes
}

/// The messages of a poster's stream.
pub(crate) fn pieces(name: &str, content: &[u8]) -> Vec<pb::AttachPosterRequest> {
    let first = Piece::Name(name.to_owned());
    let rest = content.chunks(256 * 1024).map(|chunk| Piece::Content(chunk.to_vec().into()));
    [first].into_iter().chain(rest).map(|piece| pb::AttachPosterRequest { piece: Some(piece) }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulletin_goes_from_draft_to_every_consenting_person_once() {
    for engine in engines() {
        let mut cell = Cell::start(engine, 400).await;
        let (mut author, mut approver) = (cell.bulletins(AUTHOR), cell.bulletins(APPROVER));

        let created = author
            .create_bulletin(pb::CreateBulletinRequest { bulletin: Some(draft()), request_id: String::new() })
            .await
            .unwrap()
            .into_inner();
        assert_eq!((created.state(), created.author.as_str()), (pb::bulletin::State::Draft, AUTHOR));
        let name = created.name.clone();
        let content = png(64, 48);
        let attached = author.attach_poster(futures::stream::iter(pieces(&name, &content))).await.unwrap().into_inner();
        let poster = attached.poster.expect("a poster");
        assert_eq!((poster.media_type.as_str(), poster.width, poster.height), ("image/png", 64, 48));
        let stored = crate::posters::objects(&cell);
        assert_eq!(poster.size, std::fs::metadata(&stored[0]).unwrap().len() as i64);

        let preview = pb::PreviewBulletinRequest { name: name.clone(), audience: Some(audience(&["bihar"])) };
        let preview = author.preview_bulletin(preview).await.unwrap().into_inner();
        assert_eq!((preview.group_count, preview.orphan_count), (6, 2));
        assert_eq!((preview.person_count, preview.consenting_count), (440, 400));

        author.submit_bulletin(pb::SubmitBulletinRequest { name: name.clone() }).await.unwrap();
        approver.return_bulletin(pb::ReturnBulletinRequest { name: name.clone() }).await.unwrap();
        let submitted =
            author.submit_bulletin(pb::SubmitBulletinRequest { name: name.clone() }).await.unwrap().into_inner();
        let approve = pb::ApproveBulletinRequest { name: name.clone(), etag: submitted.etag };
        let approved = approver.approve_bulletin(approve).await.unwrap().into_inner();
        assert!(approved.number.starts_with("EOU/20") && approved.number.ends_with("/0001"), "{}", approved.number);
        assert_eq!(approved.approver, APPROVER);
        assert!(cell.approved().await.number.ends_with("/0002"));

        let publication = cell.publish(&name, "bihar").await;
        assert_eq!((publication.state(), publication.person_count), (pb::publication::State::Expanding, 400));
        let request = pb::WatchProgressRequest { name: name.clone() };
        let mut watch = author.watch_progress(request).await.unwrap().into_inner();
        let mut last = None;
        while let Some(progress) = watch.message().await.unwrap() {
            last = Some(progress);
        }
        let last = last.expect("progress");
        assert_eq!((last.state(), last.delivery_count), (pb::bulletin::State::Published, 400));
        assert_eq!((last.queued_count, last.in_flight_count, last.expanding_count), (0, 0, 0));

        let settled = cell.settled(&name).await;
        let witness = cell.simulator.witness();
        assert_eq!((witness.sends.total, witness.sends.unique, witness.sends.repeated), (400, 400, 0));
        assert_eq!(settled.task_count, 6);
        assert_eq!(settled.read_count as u64, witness.outcomes.read);
        assert_eq!((settled.delivered_count + settled.read_count) as u64, witness.outcomes.delivered);
        assert_eq!(settled.failed_count as u64, witness.outcomes.failed.values().sum::<u64>());

        let deliveries = cell.all_deliveries(&name).await;
        let members: BTreeSet<String> = deliveries.iter().map(|delivery| delivery.member.clone()).collect();
        let expected: BTreeSet<String> =
            cell.register.consenting("bihar").into_iter().map(|member| format!("members/{member}")).collect();
        assert_eq!(members, expected);
        assert!(deliveries.iter().all(|delivery| delivery.attempt_count == 1 && delivery.unit.ends_with("-ps")));
        assert!(deliveries.iter().all(|delivery| delivery.provider_message_id.starts_with("wamid.")));
        let failed: Vec<_> = deliveries.iter().filter(|one| one.state() == pb::delivery::State::Failed).collect();
        assert!(failed.iter().all(|delivery| delivery.reason.starts_with("131") && delivery.fail_time.is_some()));
        let read = deliveries.iter().find(|one| one.state() == pb::delivery::State::Read).expect("one is read");
        assert!(read.read_time.is_some() && read.reason.is_empty());
        let request = pb::GetDeliveryRequest { name: read.name.clone() };
        assert_eq!(cell.deliveries().get_delivery(request).await.unwrap().get_ref(), read);
        let callback = read.name.rsplit('/').next().unwrap();
        assert_eq!(cell.simulator.sends_of(callback), 1);

        let request = pb::ListDeliveriesRequest {
            parent: name.clone(),
            state: pb::delivery::State::Failed.into(),
            page_size: 500,
            ..Default::default()
        };
        let page = cell.deliveries().list_deliveries(request).await.unwrap().into_inner();
        assert_eq!(page.deliveries.len(), failed.len());
        let request =
            pb::ListDeliveriesRequest { parent: name.clone(), member: read.member.clone(), ..Default::default() };
        let page = cell.deliveries().list_deliveries(request).await.unwrap().into_inner();
        assert_eq!(page.deliveries, std::slice::from_ref(read));

        let request = pb::ListTasksRequest { parent: name.clone(), ..Default::default() };
        let tasks = cell.tasks().list_tasks(request).await.unwrap().into_inner().tasks;
        assert_eq!(tasks.len(), 6);
        let orphaned: Vec<_> = tasks.iter().filter(|task| task.custodian.is_empty()).collect();
        assert!(orphaned.len() == 2 && orphaned.iter().all(|task| task.state() == pb::task::State::Orphaned));
        let request = pb::GetTaskRequest { name: tasks[0].name.clone() };
        assert_eq!(cell.tasks().get_task(request).await.unwrap().get_ref(), &tasks[0]);

        recount::check(&cell.store()).await;
        let listed = author.list_bulletins(pb::ListBulletinsRequest::default()).await.unwrap().into_inner();
        assert_eq!(listed.bulletins.len(), 2);
        assert_eq!(listed.bulletins[1].name, name);
        cell.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consent_is_asked_again_when_a_message_is_sent() {
    for engine in engines() {
        let cell = Cell::start(engine, 60).await;
        let members = cell.register.consenting("bihar");
        {
            let mut state = cell.register.state.lock().unwrap();
            state.withdrawn.insert(members[3]);
            state.gone.insert(members[4]);
        }
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        cell.settled(&bulletin.name).await;
        assert_eq!(cell.simulator.witness().sends.total, 58);
        let reason_of = async |member: Uuid| {
            let request = pb::ListDeliveriesRequest {
                parent: bulletin.name.clone(),
                member: format!("members/{member}"),
                ..Default::default()
            };
            let page = cell.deliveries().list_deliveries(request).await.unwrap().into_inner();
            (page.deliveries[0].state(), page.deliveries[0].reason.clone())
        };
        let failed = |reason: &str| (pb::delivery::State::Failed, reason.to_owned());
        assert_eq!(reason_of(members[3]).await, failed("CONSENT_WITHDRAWN"));
        assert_eq!(reason_of(members[4]).await, failed("MEMBER_GONE"));
        recount::check(&cell.store()).await;
    }
}

//! Publishing again, and asking again.

use senani_proto::bulletin::v1 as pb;
use senani_proto::membership::v1::{AudienceExclusion, AudienceSelector, Rank};
use senani_testkit::{engines, eventually};
use uuid::Uuid;

use crate::cell::{AUTHOR, Cell, DEADLINE, audience, draft};
use crate::recount::{self, number};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wider_publication_reaches_only_those_who_have_it_not() {
    for engine in engines() {
        let cell = Cell::start(engine, 240).await;
        let bulletin = cell.approved().await;
        let name = &bulletin.name;
        cell.publish(name, "central-range").await;
        let first = cell.settled(name).await;
        assert_eq!((first.delivery_count, first.task_count), (120, 3));
        cell.publish(name, "bihar").await;
        let both = cell.settled(name).await;
        assert_eq!((both.delivery_count, both.task_count), (240, 6));
        let witness = cell.simulator.witness();
        assert_eq!((witness.sends.total, witness.sends.repeated), (240, 0));
        let store = cell.store();
        assert_eq!(number(&store, "SELECT CAST(SUM(delivery_count) AS bigint) FROM publication").await, 240);
        assert_eq!(number(&store, "SELECT CAST(SUM(resolved_count) AS bigint) FROM publication").await, 360);
        assert_eq!(number(&store, "SELECT CAST(SUM(task_count) AS bigint) FROM publication").await, 6);
        recount::check(&store).await;

        // Two at the same time, of the same audience.
        let other = cell.approved().await;
        tokio::join!(cell.publish(&other.name, "bihar"), cell.publish(&other.name, "patna"));
        assert_eq!(cell.settled(&other.name).await.delivery_count, 240);
        assert_eq!(cell.simulator.witness().sends.repeated, 0);
        recount::check(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_is_answered_again_and_not_done_again() {
    for engine in engines() {
        let cell = Cell::start(engine, 20).await;
        let create = pb::CreateBulletinRequest { bulletin: Some(draft()), request_id: Uuid::now_v7().to_string() };
        let mut author = cell.bulletins(AUTHOR);
        let mut again = cell.bulletins(AUTHOR);
        let (first, second) =
            tokio::join!(author.create_bulletin(create.clone()), again.create_bulletin(create.clone()));
        assert_eq!(first.unwrap().into_inner(), second.unwrap().into_inner());
        let mut other = create;
        other.bulletin.as_mut().unwrap().category = pb::Category::Drugs.into();
        let status = author.create_bulletin(other).await.expect_err("another request");
        assert_eq!(senani_error::reason_of(&status).as_deref(), Some("REQUEST_ID_REUSED"));

        let bulletin = cell.approved().await;
        let publish = pb::PublishBulletinRequest {
            name: bulletin.name.clone(),
            audience: Some(audience(&["bihar"])),
            request_id: Uuid::now_v7().to_string(),
        };
        let first = author.publish_bulletin(publish.clone()).await.unwrap().into_inner();
        let second = author.publish_bulletin(publish).await.unwrap().into_inner();
        assert_eq!(first, second);
        assert_eq!(number(&cell.store(), "SELECT COUNT(*) FROM publication").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_go_with_their_group_to_its_next_custodian() {
    for engine in engines() {
        let cell = Cell::start(engine, 20).await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        cell.settled(&bulletin.name).await;
        let custodian = Uuid::now_v7();
        let mut group = cell.register.state.lock().unwrap().groups[5].clone();
        assert_eq!(group.custodian, None);
        group.custodian = Some(custodian);
        cell.groups.append([group.event()]);
        eventually(DEADLINE, "the orphaned task to open", async || {
            let request = pb::ListTasksRequest {
                parent: bulletin.name.clone(),
                custodian: format!("members/{custodian}"),
                state: pb::task::State::Open.into(),
                ..Default::default()
            };
            let tasks = cell.tasks().list_tasks(request).await.unwrap().into_inner().tasks;
            tasks.len() == 1 && tasks[0].group == format!("groups/{}", group.slug())
        })
        .await;
        recount::check(&cell.store()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audience_is_kept_and_asked_for_as_it_was_published() {
    for engine in engines() {
        let cell = Cell::start(engine, 240).await;
        let mut author = cell.bulletins(AUTHOR);
        let publish = |name: &str, audience: &AudienceSelector| pb::PublishBulletinRequest {
            name: name.to_owned(),
            audience: Some(audience.clone()),
            request_id: String::new(),
        };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let without_gaya = AudienceExclusion {
            units: words(&["units/gaya"]),
            members: words(&["members/01900000-0000-7000-8000-0000000000ff"]),
            ..AudienceExclusion::default()
        };
        let posted = AudienceSelector { excluded: Some(without_gaya.clone()), ..audience(&["bihar"]) };
        let silent = AudienceSelector {
            ranks: vec![Rank::Constable.into(), Rank::Havildar.into()],
            genders: words(&["female"]),
            languages: words(&["mai", "hi"]),
            categories: words(&["police"]),
            ..posted.clone()
        };
        // Messages to half of the members; posts in the groups only when it is for all kinds of persons.
        for (selector, tasks) in [(&posted, 3), (&silent, 0)] {
            let bulletin = cell.approved().await;
            let preview = pb::PreviewBulletinRequest { name: bulletin.name.clone(), audience: Some(selector.clone()) };
            let preview = author.preview_bulletin(preview).await.unwrap().into_inner();
            assert_eq!((preview.group_count, preview.consenting_count), (tasks, 120));
            cell.register.state.lock().unwrap().asked.clear();
            let publication = author.publish_bulletin(publish(&bulletin.name, selector)).await.unwrap().into_inner();
            assert_eq!(publication.audience.as_ref(), Some(selector));
            let settled = cell.settled(&bulletin.name).await;
            assert_eq!((settled.delivery_count, settled.task_count), (120, tasks));
            let asked = cell.register.state.lock().unwrap().asked.clone();
            assert!(asked.len() >= 2 && asked.iter().all(|asked| asked == selector), "{asked:?}");
        }
        recount::check(&cell.store()).await;

        let name = cell.approved().await.name;
        let excluding = |excluded| AudienceSelector { excluded: Some(excluded), ..audience(&["bihar"]) };
        for (selector, reason, field) in [
            (
                AudienceSelector { unit_sets: words(&["unitSets/none"]), ..audience(&[]) },
                "UNIT_SET_UNKNOWN",
                "audience.unit_sets[0]",
            ),
            (
                excluding(AudienceExclusion { units: words(&["units/none"]), ..Default::default() }),
                "UNIT_UNKNOWN",
                "audience.excluded.units[0]",
            ),
            (
                excluding(AudienceExclusion { members: words(&["members/7"]), ..Default::default() }),
                "AUDIENCE_INVALID",
                "audience.excluded.members[0]",
            ),
            // Membership's own words come through.
            (
                excluding(AudienceExclusion { groups: words(&["groups/none"]), ..Default::default() }),
                "GROUP_UNKNOWN",
                "",
            ),
        ] {
            let status = author.publish_bulletin(publish(&name, &selector)).await.expect_err(reason);
            assert_eq!(senani_error::reason_of(&status).as_deref(), Some(reason));
            assert_eq!(status.code(), tonic::Code::InvalidArgument);
            let fields: Vec<_> = senani_error::violations_of(&status).into_iter().map(|wrong| wrong.field).collect();
            assert_eq!(fields.concat(), field);
        }
    }
}

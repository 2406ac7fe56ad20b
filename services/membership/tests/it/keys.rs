//! Rotation of the cell's key while the service runs.

use std::time::Duration;

use senani_membership::{App, key_file};
use senani_proto::membership::v1::privacy_service_client::PrivacyServiceClient;
use senani_proto::membership::v1::{
    ErasePersonRequest, ErasureReason, FindMemberByPhoneRequest, GetKeyStatusRequest, KeyVersion,
};
use senani_testkit::{engines, eventually};
use tokio_util::sync::CancellationToken;

use crate::fixture::{HEADER, Membership, connect, file, public};

async fn status(membership: &Membership) -> Vec<KeyVersion> {
    let mut privacy = PrivacyServiceClient::new(membership.officer.clone());
    privacy.get_key_status(GetKeyStatusRequest {}).await.expect("a status").into_inner().versions
}

fn version(version: i32, key_count: i64, newest: bool) -> KeyVersion {
    KeyVersion { version, key_count, newest, held: true }
}

#[tokio::test]
async fn after_a_rotation_every_key_is_wrapped_again_and_everybody_is_still_read() {
    for engine in engines() {
        let mut membership = Membership::with_groups_and(engine, |config| config.key_file_interval_seconds = 1).await;
        membership.import(file(0..1_200, &["kotwali-ps", "gaya-ps"])).await.expect("imports");
        assert_eq!(status(&membership).await, [version(1, 1_200, true)]);

        // Another process of the same cell, with the old key file in memory, has the work as well.
        let second = App::build(membership.config.clone()).await.expect("builds");
        let replica = PrivacyServiceClient::new(connect(second.address(), "officers/tester"));
        let stop = CancellationToken::new();
        let running = tokio::spawn(second.run(stop.clone()));

        assert_eq!(key_file::rotate(&membership.config.keys_file).expect("rotates"), 2);
        let find = |number: u32| FindMemberByPhoneRequest { phone: format!("10{number:08}") };
        let gone = membership.members.find_member_by_phone(find(7)).await.expect("is there").into_inner();
        let erase =
            ErasePersonRequest { name: gone.name, reason: ErasureReason::Deceased.into(), ..Default::default() };
        replica.clone().erase_person(erase).await.expect("erases");
        eventually(Duration::from_secs(20), "all keys to be wrapped by the new version", async || {
            status(&membership).await == [version(1, 0, false), version(2, 1_199, true)]
        })
        .await;
        membership.import(HEADER.to_owned() + &public(5_000, "gaya-ps")).await.expect("imports");
        assert_eq!(status(&membership).await[1].key_count, 1_200);
        key_file::drop_version(&membership.config.keys_file, 1).expect("nothing is wrapped by it");
        assert_eq!(key_file::versions(&membership.config.keys_file).expect("reads"), [2]);
        eventually(Duration::from_secs(20), "the dropped version to be forgotten", async || {
            status(&membership).await.len() == 1
        })
        .await;
        for number in [0, 1_199, 5_000] {
            let member = membership.members.find_member_by_phone(find(number)).await.expect("is read").into_inner();
            assert_eq!(member.display_names["en"], format!("Name {number}"));
        }
        stop.cancel();
        running.await.expect("ends").expect("without an error");
    }
}

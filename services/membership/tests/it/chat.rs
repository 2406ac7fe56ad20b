//! A group with its chat, for the tests of rosters.

use std::collections::BTreeMap;

use senani_proto::membership::v1::enrolment::Role;
use senani_proto::membership::v1::reconcile_roster_request::Piece;
use senani_proto::membership::v1::roster_difference::{Evidence, Kind, Obstacle};
use senani_proto::membership::v1::roster_service_client::RosterServiceClient;
use senani_proto::membership::v1::{
    ApplyReconciliationRequest, ListMembersRequest, ListRosterRequest, Member, ReconcileRosterOptions,
    ReconcileRosterRequest, Reconciliation, RosterDifference, RosterEntry,
};
use tonic::Status;

use crate::fixture::{HEADER, Membership, police, public};
pub(crate) const GROUP: &str = "kotwali-ps-community";

/// The number of the member with this number, as WhatsApp shows it.
pub(crate) fn shown(number: u32) -> String {
    let digits = format!("10{number:08}");
    format!("+91 {} {}", &digits[..5], &digits[5..])
}

pub(crate) fn messages(group: &str, request_id: &str, file: &[u8]) -> Vec<ReconcileRosterRequest> {
    let options =
        Piece::Options(ReconcileRosterOptions { group: format!("groups/{group}"), request_id: request_id.to_owned() });
    let content = file.chunks(1_003).map(|bytes| Piece::Content(bytes.to_vec().into()));
    [options].into_iter().chain(content).map(|piece| ReconcileRosterRequest { piece: Some(piece) }).collect()
}

pub(crate) struct Rosters {
    pub(crate) membership: Membership,
    pub(crate) rosters: RosterServiceClient<senani_client::Channel>,
    /// Names of the members by their numbers.
    pub(crate) members: BTreeMap<u32, String>,
}

impl Rosters {
    /// In the group are 1, its custodian, the officers 2 and 3, and the public 11 to 14; 21, 22 and the officer 23 are of another station.
    pub(crate) async fn start(engine: senani_testkit::Engine) -> Self {
        let mut membership = Membership::with_groups(engine).await;
        let mut rows = vec![
            police(1, "kotwali-ps", "sub_inspector", "male", "custodian"),
            police(2, "kotwali-ps", "sub_inspector", "female", "member"),
            police(3, "kotwali-ps", "constable", "male", "member"),
            police(23, "gaya-ps", "constable", "male", "member"),
        ];
        rows.extend((11..15).map(|number| public(number, "kotwali-ps")));
        rows.extend((21..23).map(|number| public(number, "gaya-ps")));
        membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
        let request = ListMembersRequest { page_size: 500, ..Default::default() };
        let members = membership.members.list_members(request).await.expect("members").into_inner().members;
        let number =
            |member: &Member| member.display_names["en"].trim_start_matches("Name ").parse().expect("a number");
        let rosters = RosterServiceClient::new(membership.officer.clone());
        Self {
            rosters,
            members: members.iter().map(|member| (number(member), member.name.clone())).collect(),
            membership,
        }
    }

    pub(crate) async fn reconcile(&self, file: impl AsRef<[u8]>) -> Result<Reconciliation, Status> {
        self.reconcile_as("", file).await
    }

    pub(crate) async fn reconcile_as(
        &self,
        request_id: &str,
        file: impl AsRef<[u8]>,
    ) -> Result<Reconciliation, Status> {
        self.send(messages(GROUP, request_id, file.as_ref())).await
    }

    pub(crate) async fn send(&self, messages: Vec<ReconcileRosterRequest>) -> Result<Reconciliation, Status> {
        Ok(self.rosters.clone().reconcile_roster(tokio_stream::iter(messages)).await?.into_inner())
    }

    pub(crate) async fn apply(&self, request: ApplyReconciliationRequest) -> Result<Reconciliation, Status> {
        Ok(self.rosters.clone().apply_reconciliation(request).await?.into_inner())
    }

    /// Who is enrolled, in order, and as what.
    pub(crate) async fn roster(&self) -> Vec<(u32, Role)> {
        let mut entries = Vec::<RosterEntry>::new();
        let mut page_token = String::new();
        loop {
            let request = ListRosterRequest { group: format!("groups/{GROUP}"), page_size: 3, page_token };
            let page = self.rosters.clone().list_roster(request).await.expect("a roster").into_inner();
            entries.extend(page.entries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let number =
            |entry: &RosterEntry| entry.display_names["en"].trim_start_matches("Name ").parse().expect("a number");
        let mut roster: Vec<(u32, Role)> = entries.iter().map(|entry| (number(entry), entry.role())).collect();
        roster.sort_unstable_by_key(|(number, _)| *number);
        roster
    }

    pub(crate) fn member(&self, difference: &RosterDifference) -> u32 {
        let found = self.members.iter().find(|(_, name)| **name == difference.member);
        found.map_or(0, |(number, _)| *number)
    }

    pub(crate) fn found(&self, reconciliation: &Reconciliation) -> Vec<(Kind, u32, Role, Evidence, Obstacle)> {
        let found =
            |one: &RosterDifference| (one.kind(), self.member(one), one.applied_role(), one.evidence(), one.obstacle());
        let mut found: Vec<_> = reconciliation.differences.iter().map(found).collect();
        found.sort_unstable_by_key(|(kind, number, ..)| (*kind as i32, *number));
        found
    }

    /// Counts that are kept agree with what they count.
    pub(crate) async fn recount(&self) {
        let wrong = "SELECT COUNT(*) FROM member_group g WHERE enrolled_count <> \
                     (SELECT COUNT(*) FROM enrolment e WHERE e.group_id = g.id AND e.ended_at = 0)";
        assert_eq!(self.membership.number(wrong).await, 0, "sizes are those of the enrolments");
        let mut membership = self.membership.groups.clone();
        let request = senani_proto::membership::v1::GetGroupRequest { name: format!("groups/{GROUP}") };
        let group = membership.get_group(request).await.expect("a group").into_inner();
        let mut custodians: Vec<String> = group.backup_custodians.clone();
        custodians.push(group.primary_custodian.clone());
        custodians.retain(|name| !name.is_empty());
        custodians.sort_unstable();
        let roles = self.roster().await.into_iter().filter(|(_, role)| *role == Role::Custodian);
        let mut meant: Vec<String> = roles.map(|(number, _)| self.members[&number].clone()).collect();
        meant.sort_unstable();
        assert_eq!(custodians, meant, "who has the role is a custodian of the group");
    }
}

pub(crate) fn all(reconciliation: &Reconciliation) -> ApplyReconciliationRequest {
    let applicable = |one: &&RosterDifference| one.obstacle() == Obstacle::Unspecified && one.apply_time.is_none();
    ApplyReconciliationRequest {
        name: reconciliation.name.clone(),
        difference_ids: reconciliation.differences.iter().filter(applicable).map(|one| one.id.clone()).collect(),
        ..Default::default()
    }
}

/// A table of participants.
pub(crate) fn table(rows: &[(u32, bool)]) -> String {
    let row =
        |(number, admin): &(u32, bool)| format!("~,'{},{}\r\n", shown(*number), if *admin { "हाँ" } else { "नहीं" });
    format!("नाम,फ़ोन नंबर,एडमिन\r\n{}", rows.iter().map(row).collect::<String>())
}

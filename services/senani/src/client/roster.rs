//! `senani roster`.

use std::path::Path;
use std::str::FromStr;

use anyhow::Context as _;
use senani_client::Channel;
use senani_proto::membership::v1::enrolment::Role;
use senani_proto::membership::v1::reconcile_roster_request::Piece;
use senani_proto::membership::v1::roster_difference::{Evidence, Kind, Obstacle};
use senani_proto::membership::v1::roster_service_client::RosterServiceClient;
use senani_proto::membership::v1::{
    ApplyReconciliationRequest, GetReconciliationRequest, ListRosterRequest, ReconcileRosterOptions,
    ReconcileRosterRequest, Reconciliation, RosterDifference,
};
use uuid::Uuid;

use super::figures::{number, table};
use super::{connect, told};
use crate::cli::{Door, RosterCommand};

/// Bytes of a message, below the bound of 1 MiB.
const PIECE: usize = 512 * 1024;
/// Entries in a page; the most that the service gives.
const PAGE: i32 = 500;

/// Which differences to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// All that have no obstacle and are not mere absence from a file that does not account for everybody.
    All,
    /// Those with these ids.
    Ids(Vec<String>),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let ids: Vec<String> = text.split(',').map(|id| id.trim().to_owned()).collect();
        let are_ids = ids.iter().all(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
        if are_ids { Ok(Self::Ids(ids)) } else { Err("is neither `all` nor ids with commas between them".to_owned()) }
    }
}

/// Runs a command of `senani roster`.
pub(crate) async fn run(command: &RosterCommand) -> anyhow::Result<()> {
    match command {
        RosterCommand::Show { group, door } => show(group, door).await,
        RosterCommand::Reconcile { group, file, apply, door } => reconcile(group, file, apply.as_ref(), door).await,
        RosterCommand::Apply { reconciliation, choice, door } => {
            let mut rosters = client(door)?;
            let request = GetReconciliationRequest { name: reconciliation.clone() };
            let found = rosters.get_reconciliation(request).await.map_err(|status| told(&status))?.into_inner();
            print!("{}", render(&apply(&mut rosters, &found, choice).await?));
            Ok(())
        }
    }
}

fn client(door: &Door) -> anyhow::Result<RosterServiceClient<Channel>> {
    Ok(RosterServiceClient::new(connect(door)?))
}

async fn show(group: &str, door: &Door) -> anyhow::Result<()> {
    let mut rosters = client(door)?;
    let mut request = ListRosterRequest { group: group.to_owned(), page_size: PAGE, page_token: String::new() };
    let mut rows = Vec::new();
    loop {
        let page = rosters.list_roster(request.clone()).await.map_err(|status| told(&status))?.into_inner();
        rows.extend(page.entries.into_iter().map(|entry| {
            let role = if entry.role() == Role::Custodian { "custodian" } else { "member" };
            vec![entry.member.clone(), role.to_owned(), entry.masked_phone, named(&entry.display_names)]
        }));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    print!("{}", table(&["member", "role", "phone", "name"], &rows));
    println!("  {} enrolled", number(count));
    Ok(())
}

async fn reconcile(group: &str, file: &Path, choice: Option<&Choice>, door: &Door) -> anyhow::Result<()> {
    let content = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut rosters = client(door)?;
    let options =
        Piece::Options(ReconcileRosterOptions { group: group.to_owned(), request_id: Uuid::new_v4().to_string() });
    let pieces: Vec<Piece> = content.chunks(PIECE).map(|bytes| Piece::Content(bytes.to_vec().into())).collect();
    let messages = [options].into_iter().chain(pieces).map(|piece| ReconcileRosterRequest { piece: Some(piece) });
    let messages: Vec<_> = messages.collect();
    let compared = rosters.reconcile_roster(tokio_stream::iter(messages)).await.map_err(|status| told(&status))?;
    let compared = compared.into_inner();
    print!("{}", render(&compared));
    if let Some(choice) = choice {
        println!();
        print!("{}", render(&apply(&mut rosters, &compared, choice).await?));
    }
    Ok(())
}

async fn apply(
    rosters: &mut RosterServiceClient<Channel>,
    compared: &Reconciliation,
    choice: &Choice,
) -> anyhow::Result<Reconciliation> {
    let difference_ids = chosen(compared, choice);
    if difference_ids.is_empty() {
        anyhow::bail!("nothing can be applied");
    }
    let request = ApplyReconciliationRequest {
        name: compared.name.clone(),
        difference_ids,
        etag: compared.etag.clone(),
        request_id: Uuid::new_v4().to_string(),
        validate_only: false,
    };
    Ok(rosters.apply_reconciliation(request).await.map_err(|status| told(&status))?.into_inner())
}

fn chosen(compared: &Reconciliation, choice: &Choice) -> Vec<String> {
    match choice {
        Choice::Ids(ids) => ids.clone(),
        Choice::All => {
            let sure = |one: &&RosterDifference| {
                one.obstacle() == Obstacle::Unspecified
                    && one.evidence() != Evidence::NotSeen
                    && one.apply_time.is_none()
            };
            compared.differences.iter().filter(sure).map(|one| one.id.clone()).collect()
        }
    }
}

/// A comparison as lines.
fn render(compared: &Reconciliation) -> String {
    let mut text = format!("  {}\n", compared.name);
    let mut line = |name: &str, count: i32| text.push_str(&format!("  {name:<32}{:>8}\n", number(count.into())));
    line("in both", compared.in_both_count);
    line("numbers of nobody", compared.stranger_count);
    line("names without a number", compared.unnumbered_count);
    line("numbers that are not of India", compared.foreign_count);
    if !compared.complete {
        text.push_str("  the file does not account for everybody: look before you end an enrolment\n");
    }
    let rows: Vec<Vec<String>> = compared.differences.iter().map(row).collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(&["id", "what", "phone", "", "name"], &rows));
    }
    text
}

fn row(one: &RosterDifference) -> Vec<String> {
    let what = match (one.kind(), one.applied_role()) {
        (Kind::NumberChanged, _) => "has another number",
        (Kind::OnlyInChat, Role::Custodian) => "is in the chat only, administers it",
        (Kind::OnlyInChat, _) => "is in the chat only",
        (Kind::OnlyInRegister, _) => match one.evidence() {
            Evidence::Left => "has left the chat",
            Evidence::NotListed => "is not in the chat",
            _ => "is not seen in the chat",
        },
        (Kind::RoleDiffers, Role::Custodian) => "administers the chat, no custodian",
        (Kind::RoleDiffers, _) => "custodian, does not administer the chat",
        (Kind::Stranger, _) => "is nobody's number",
        (Kind::Unspecified, _) => "",
    };
    let phone = match one.masked_new_phone.as_str() {
        "" => one.masked_phone.clone(),
        new => format!("{} → {new}", one.masked_phone),
    };
    let state = match one.obstacle() {
        _ if one.apply_time.is_some() => "applied".to_owned(),
        Obstacle::Unspecified | Obstacle::Stranger => String::new(),
        obstacle => obstacle.as_str_name().trim_start_matches("OBSTACLE_").to_lowercase().replace('_', " "),
    };
    vec![one.id.clone(), what.to_owned(), phone, state, named(&one.display_names)]
}

fn named(names: &std::collections::BTreeMap<String, String>) -> String {
    names.get("en").or_else(|| names.get("hi")).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_leaves_out_what_is_hindered_or_merely_not_seen() {
        let one = |id: &str, evidence: Evidence, obstacle: Obstacle| RosterDifference {
            id: id.to_owned(),
            evidence: evidence.into(),
            obstacle: obstacle.into(),
            ..Default::default()
        };
        let compared = Reconciliation {
            differences: vec![
                one("1", Evidence::Unspecified, Obstacle::Unspecified),
                one("2", Evidence::Left, Obstacle::Unspecified),
                one("3", Evidence::NotSeen, Obstacle::Unspecified),
                one("4", Evidence::Unspecified, Obstacle::GroupFull),
                one("", Evidence::Unspecified, Obstacle::Stranger),
            ],
            ..Default::default()
        };
        assert_eq!(chosen(&compared, &"all".parse().unwrap()), ["1", "2"]);
        assert_eq!(chosen(&compared, &"3, 4".parse().unwrap()), ["3", "4"]);
        assert!("".parse::<Choice>().is_err() && "1,x".parse::<Choice>().is_err());
    }
}

//! Step 3: the groups.

use std::collections::BTreeMap;

use senani_client::Channel;
use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::group_service_client::GroupServiceClient;
use senani_proto::membership::v1::{FormGroupsRequest, FormGroupsResponse, GroupAudience};

use super::{STATE, structure};
use crate::client::figures::number;
use crate::client::told;

/// Shows the plan, then applies exactly it.
pub(super) async fn form(channel: &Channel) -> anyhow::Result<()> {
    structure::known_to_membership(channel).await?;
    let plan = send(channel, true, String::new()).await?;
    if plan.group_count == 0 {
        println!("   every group that the orders demand is there already");
        return Ok(());
    }
    println!(
        "   the plan: {} groups to form, at least {} members in them",
        number(plan.group_count.into()),
        number(plan.people_needed.into())
    );
    // One line for all ranks of a rank-wise rule.
    let mut lines: BTreeMap<(String, String, i32, String), i64> = BTreeMap::new();
    for line in &plan.lines {
        let kind = words(UnitKind::try_from(line.unit_kind).unwrap_or_default().as_str_name(), "UNIT_KIND_");
        let audience =
            words(GroupAudience::try_from(line.audience).unwrap_or_default().as_str_name(), "GROUP_AUDIENCE_");
        *lines.entry((kind, audience, line.min, line.order.clone())).or_default() += i64::from(line.group_count);
    }
    for ((kind, audience, min, order), count) in lines {
        let article = if kind.starts_with(['a', 'o']) { "an" } else { "a" };
        println!("     {:>6}  {audience} at {article} {kind}, at least {min} each ({order})", number(count));
    }
    let formed = send(channel, false, plan.fingerprint).await?;
    println!("   applied: {} groups formed", number(formed.group_count.into()));
    Ok(())
}

fn words(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', " ")
}

async fn send(channel: &Channel, validate_only: bool, fingerprint: String) -> anyhow::Result<FormGroupsResponse> {
    let request = FormGroupsRequest { unit: STATE.to_owned(), validate_only, fingerprint, request_id: String::new() };
    let response = GroupServiceClient::new(channel.clone()).form_groups(request).await;
    Ok(response.map_err(|status| told(&status))?.into_inner())
}

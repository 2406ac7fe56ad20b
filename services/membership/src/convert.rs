//! Between the contract and the domain, both ways: for the API and for events.

use senani_order::{Audience, Date, Order, Rank, Rule, Slot, Target, Terms};
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::membership::v1::membership_event::Kind;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::{GroupName, ImportName, IncidentName, MemberName, OrderName};
use senani_store::Timestamp;
use senani_unit_tree::UnitTree;
use uuid::Uuid;

use crate::domain::{Group, Import, Incident, IssuedOrder, Member, RejectedRow};
use crate::error::{Error, Wrong};

mod life;
pub(crate) use life::{consent, happening, identifier, notice, notice_name, past_enrolment};

pub(crate) fn group(group: &Group) -> pb::Group {
    pb::Group {
        name: group_name(&group.slug),
        uid: group.id.to_string(),
        unit: format!("units/{}", group.unit_slug),
        unit_uid: group.unit_id.to_string(),
        audience: group.slot.audience.number(),
        rank: rank_number(group.slot.rank),
        state: group.state as i32,
        display_names: group.names.clone(),
        order: if group.order.is_empty() { String::new() } else { order_name(&group.order) },
        part: group.part,
        primary_custodian: group.custodians.primary.map_or_else(String::new, member_name),
        backup_custodians: group.custodians.backups.iter().copied().map(member_name).collect(),
        enrolled_count: group.enrolled_count,
        etag: etag(group.version),
        create_time: Timestamp(group.created_at).to_proto(),
    }
}

pub(crate) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// An incident, without its note.
pub(crate) fn incident(incident: &Incident) -> pb::Incident {
    use std::fmt::Write as _;
    let hexadecimal = |bytes: &[u8]| {
        bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    let action = |action: &crate::domain::IncidentAction| pb::IncidentAction {
        kind: action.kind as i32,
        reference: action.reference.clone(),
        acted_by: action.acted_by.clone(),
        act_time: Timestamp(action.acted_at).to_proto(),
    };
    pb::Incident {
        name: incident_name(incident.id),
        group: group_name(&incident.group_slug),
        member: incident.member.map_or_else(String::new, member_name),
        kind: incident.kind as i32,
        occur_time: Timestamp(incident.occurred_at).to_proto(),
        evidence_sha256: hexadecimal(&incident.evidence),
        reference: incident.reference.clone(),
        note: String::new(),
        state: incident.state as i32,
        outcome: incident.outcome.map_or(0, |outcome| outcome as i32),
        actions: incident.actions.iter().map(action).collect(),
        unit: format!("units/{}", incident.unit_slug),
        recorded_by: incident.recorded_by.clone(),
        closed_by: incident.closed_by.clone(),
        create_time: Timestamp(incident.recorded_at).to_proto(),
        close_time: Timestamp(incident.closed_at).to_proto(),
        etag: etag(incident.version),
    }
}

pub(crate) fn incident_name(id: Uuid) -> String {
    IncidentName(id).to_string()
}

pub(crate) fn member_name(id: Uuid) -> String {
    MemberName(id).to_string()
}

pub(crate) fn group_name(slug: &str) -> String {
    format!("{}/{slug}", GroupName::COLLECTION)
}

pub(crate) fn order_name(slug: &str) -> String {
    format!("{}/{slug}", OrderName::COLLECTION)
}

pub(crate) fn unit_set_name(slug: &str) -> String {
    format!("unitSets/{slug}")
}

pub(crate) fn rank_number(rank: Option<Rank>) -> i32 {
    rank.map_or(0, Rank::number)
}

/// A member; the number is masked here, and goes out in no other form than to the dispatcher.
pub(crate) fn member(member: &Member, tree: &UnitTree) -> pb::Member {
    pb::Member {
        name: member_name(member.id),
        state: member.state as i32,
        display_names: member.names.clone(),
        masked_phone: member.phone.as_ref().map_or_else(String::new, senani_vault::PhoneNumber::masked),
        unit: tree.by_id(member.unit_id).map_or_else(String::new, |unit| format!("units/{}", unit.slug())),
        category: member.category.clone(),
        rank: rank_number(member.rank),
        gender: member.gender.clone(),
        language: member.language.clone(),
        consents_to_direct_messages: member.consents,
        enrolments: member
            .enrolments
            .iter()
            .map(|enrolment| pb::Enrolment {
                group: group_name(&enrolment.group_slug),
                role: enrolment.role,
                start_time: Timestamp(enrolment.started_at).to_proto(),
            })
            .collect(),
        create_time: Timestamp(member.created_at).to_proto(),
        merged_into: member.merged_into.map_or_else(String::new, member_name),
        etag: etag(member.version),
        verifier: member.verified_by.clone(),
        verify_time: Timestamp(member.verified_at).to_proto(),
    }
}

pub(crate) fn import(import: &Import) -> pb::MemberImport {
    let reason = |number| {
        let name = pb::RowRejection::try_from(number).map_or("", |reason| reason.as_str_name());
        name.trim_start_matches("ROW_REJECTION_").to_owned()
    };
    pb::MemberImport {
        name: ImportName(import.id).to_string(),
        row_count: import.row_count,
        accepted_count: import.accepted_count,
        rejected_count: import.rejected_count(),
        enrolment_count: import.enrolment_count,
        rejected_by_reason: import
            .rejected_by_reason
            .iter()
            .map(|(rejection, count)| (reason(*rejection as i32), *count))
            .collect(),
        complete: import.complete,
        create_time: Timestamp(import.created_at).to_proto(),
    }
}

pub(crate) fn rejected_row(row: &RejectedRow) -> pb::RejectedRow {
    pb::RejectedRow {
        line: i64::try_from(row.line).unwrap_or(i64::MAX),
        column: row.column.to_owned(),
        reason: row.reason as i32,
    }
}

pub(crate) fn order(issued: &IssuedOrder) -> pb::Order {
    let order = &issued.order;
    pb::Order {
        name: order_name(&order.slug),
        number: order.number.clone(),
        titles: issued.titles.clone(),
        issue_date: order.issue_date.to_string(),
        effective_date: order.effective_date.to_string(),
        supersedes: order.supersedes.iter().map(|slug| order_name(slug)).collect(),
        rules: order
            .rules
            .iter()
            .map(|rule| self::rule(&rule.target, rule.audience, &rule.ranks, &rule.terms))
            .collect(),
        create_time: Timestamp(issued.created_at).to_proto(),
    }
}

pub(crate) fn rule(target: &Target, audience: Audience, ranks: &[Rank], terms: &Terms) -> pb::OrderRule {
    let size = |size| i32::try_from(size).unwrap_or(i32::MAX);
    let numbers = |ranks: &[Rank]| ranks.iter().map(|rank| rank.number()).collect();
    let (unit_kind, unit_set) = match target {
        Target::Kind(kind) => (*kind, String::new()),
        Target::Set(set) => (0, unit_set_name(set)),
    };
    pb::OrderRule {
        unit_kind,
        unit_set,
        audience: audience.number(),
        ranks: numbers(ranks),
        required: terms.required,
        min: size(terms.min),
        target: size(terms.target),
        split_at: size(terms.split_at),
        max: size(terms.max),
        due_date: terms.due_date.map_or_else(String::new, |date| date.to_string()),
        custodian_ranks: numbers(&terms.custodian_ranks),
    }
}

/// The rules of an order from the wire with their positions there; everything that has no form in the domain is named in `wrong`.
pub(crate) fn rules(rules: &[pb::OrderRule], wrong: &mut Vec<Wrong>) -> (Vec<usize>, Vec<Rule>) {
    let read = |(position, rule)| Some((position, rule_from(rule, position, wrong)?));
    rules.iter().enumerate().filter_map(read).unzip()
}

fn rule_from(rule: &pb::OrderRule, position: usize, wrong: &mut Vec<Wrong>) -> Option<Rule> {
    let before = wrong.len();
    let at = |name: &str| format!("order.rules[{position}].{name}");
    let invalid = |name: &str, what: &str| Wrong::new(ErrorReason::RuleInvalid, at(name), what);
    let known = senani_proto::hierarchy::v1::UnitKind::try_from(rule.unit_kind);
    if known.is_err() {
        wrong.push(invalid("unit_kind", "names no kind of unit"));
    }
    let target = if rule.unit_set.is_empty() {
        Target::Kind(rule.unit_kind)
    } else {
        if rule.unit_kind != 0 {
            wrong.push(invalid("unit_set", "is given together with unit_kind"));
        }
        match rule.unit_set.strip_prefix("unitSets/").filter(|slug| senani_proto::name::is_slug(slug)) {
            Some(slug) => Target::Set(slug.to_owned()),
            None => {
                wrong.push(Wrong::new(ErrorReason::NameInvalid, at("unit_set"), "is not of the form unitSets/{slug}"));
                return None;
            }
        }
    };
    let audience = Audience::from_number(rule.audience);
    if audience.is_none() {
        wrong.push(invalid("audience", "names no audience of groups"));
    }
    let ranks = ranks(&rule.ranks, |index| at(&format!("ranks[{index}]")), wrong);
    let custodian_ranks = self::ranks(&rule.custodian_ranks, |index| at(&format!("custodian_ranks[{index}]")), wrong);
    // A size below zero is below one: the rules of the domain name it.
    let size = |size: i32| u32::try_from(size).unwrap_or(0);
    let due_date = if rule.due_date.is_empty() { None } else { date(&rule.due_date, &at("due_date"), wrong) };
    let terms = Terms {
        required: rule.required,
        min: size(rule.min),
        target: size(rule.target),
        split_at: size(rule.split_at),
        max: size(rule.max),
        due_date,
        custodian_ranks,
    };
    let rule = Rule { target, audience: audience?, ranks, terms };
    (wrong.len() == before).then_some(rule)
}

fn ranks(numbers: &[i32], field: impl Fn(usize) -> String, wrong: &mut Vec<Wrong>) -> Vec<Rank> {
    let mut ranks = Vec::with_capacity(numbers.len());
    for (index, number) in numbers.iter().enumerate() {
        match Rank::from_number(*number) {
            Some(rank) => ranks.push(rank),
            None => wrong.push(Wrong::new(ErrorReason::RuleInvalid, field(index), "names no rank")),
        }
    }
    ranks
}

/// A day from the wire; `None`, and named in `wrong`, when it is none.
pub(crate) fn date(text: &str, field: &str, wrong: &mut Vec<Wrong>) -> Option<Date> {
    text.parse()
        .map_err(|error: senani_order::DateError| {
            wrong.push(Wrong::new(ErrorReason::DateInvalid, field, error.to_string()));
        })
        .ok()
}

/// What is wrong with an order by the rules of the domain. `positions` are those of its rules in the request.
pub(crate) fn violation(violation: &senani_order::Violation, order: &Order, positions: &[usize]) -> Wrong {
    use senani_order::Problem;
    let reason = match violation.problem {
        Problem::BeforeIssue | Problem::BeforeEffect => ErrorReason::DateInvalid,
        Problem::Unknown => ErrorReason::OrderUnknown,
        _ => ErrorReason::RuleInvalid,
    };
    let position = |index: usize| positions.get(index).copied().unwrap_or(index);
    let field = match split_index(&violation.field, "rules[") {
        Some((index, rest)) => format!("order.rules[{}]{rest}", position(index)),
        None => format!("order.{}", violation.field),
    };
    let problem = match &violation.problem {
        Problem::Covered(index) => Problem::Covered(position(*index)),
        other => other.clone(),
    };
    let wrong = Wrong::new(reason, field, problem.to_string());
    let superseded = split_index(&violation.field, "supersedes[").and_then(|(index, _)| order.supersedes.get(index));
    match superseded {
        Some(slug) => wrong.with("order", order_name(slug)),
        None => wrong,
    }
}

/// The index in a path such as `rules[2].min`, and what follows it.
fn split_index<'p>(path: &'p str, list: &str) -> Option<(usize, &'p str)> {
    let (index, rest) = path.strip_prefix(list)?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}

/// A name from the wire; `field` is where it stands in the request.
pub(crate) fn name<N>(text: &str, field: &str) -> Result<N, Error>
where
    N: std::str::FromStr<Err = senani_proto::name::NameError>,
{
    text.parse().map_err(|error: senani_proto::name::NameError| {
        Error::invalid(ErrorReason::NameInvalid, field, error.to_string())
    })
}

/// A rule in force with what it speaks of.
pub(crate) fn rule_in_force(rule: &senani_order::RuleInForce) -> pb::RuleInForce {
    let Slot { audience, rank } = rule.slot;
    let ranks: Vec<Rank> = rank.into_iter().collect();
    pb::RuleInForce {
        rule: Some(self::rule(&rule.target, audience, &ranks, &rule.terms)),
        order: order_name(&rule.order),
    }
}

fn payload(kind: Kind) -> Payload {
    Payload::Membership(pb::MembershipEvent { kind: Some(kind) })
}

pub(crate) fn order_issued(issued: &IssuedOrder) -> Payload {
    payload(Kind::OrderIssued(pb::OrderIssued { order: Some(order(issued)) }))
}

pub(crate) fn group_changed(changed: &Group) -> Payload {
    payload(Kind::GroupChanged(pb::GroupChanged { group: Some(group(changed)) }))
}

pub(crate) fn person_erased(member: Uuid) -> Payload {
    let member_uid = bytes::Bytes::copy_from_slice(member.as_bytes());
    payload(Kind::PersonErased(pb::PersonErased { member_uid }))
}

/// Sizes of groups; as many events as the contract's bound of 2,000 a piece asks for.
pub(crate) fn group_sizes_changed<'g>(groups: impl IntoIterator<Item = &'g Group>) -> Vec<Payload> {
    const SIZES: usize = 2_000;
    let sizes: Vec<_> = groups
        .into_iter()
        .map(|group| pb::GroupSize {
            group_uid: bytes::Bytes::copy_from_slice(group.id.as_bytes()),
            enrolled_count: group.enrolled_count,
        })
        .collect();
    sizes
        .chunks(SIZES)
        .map(|sizes| payload(Kind::GroupSizesChanged(pb::GroupSizesChanged { sizes: sizes.to_vec() })))
        .collect()
}

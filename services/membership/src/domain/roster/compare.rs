//! What differs between a chat group and the register.

use std::collections::{BTreeMap, HashSet};

use senani_vault::{BlindIndex, PhoneNumber};
use uuid::Uuid;

use super::{
    Comparison, Difference, DifferenceKind, Evidence, Known, NumberChange, Obstacle, Participant, Register, Standing,
    Upload,
};
use crate::domain::Role;

/// Compares. Obstacles are those that remain when everything without one is applied together.
pub(crate) fn compare(upload: &Upload, register: &Register) -> Comparison {
    let known: BTreeMap<Uuid, &Known> = register.members.iter().map(|member| (member.id, member)).collect();
    let named: HashSet<BlindIndex> = upload.participants.iter().map(|participant| participant.index).collect();
    let mut look =
        Look { register, known: &known, seen: BTreeMap::new(), differences: Vec::new(), strangers: Vec::new() };
    // First who is there: a member may be there under one number and have left under another.
    for participant in &upload.participants {
        // A former number of which the file tells something later has a new owner, or came back: nothing follows from it.
        let gone = participant.formerly.iter().filter(|index| !named.contains(*index));
        let former = gone.filter_map(|index| Some((*register.owners.get(index)?, *index))).next();
        look.take(participant, former);
    }
    if let Some(uploader) = upload.uploader
        && upload.names_uploader()
        && known.get(&uploader).is_some_and(|member| member.role.is_some())
    {
        look.seen.insert(uploader, Seen::Present);
    }
    let Look { seen, mut differences, strangers, .. } = look;

    let mut in_both = 0;
    for member in register.members.iter().filter(|member| member.role.is_some()) {
        let evidence = match seen.get(&member.id) {
            Some(Seen::Present) => {
                in_both += 1;
                continue;
            }
            Some(Seen::Moved) => continue,
            Some(Seen::Left) => Evidence::Left,
            None if upload.is_complete() => Evidence::NotListed,
            None => Evidence::NotSeen,
        };
        differences
            .push(Difference { evidence: Some(evidence), ..difference(DifferenceKind::OnlyInRegister, member, None) });
    }
    differences.sort_by_key(|difference| (difference.kind, difference.member));
    find_obstacles(&mut differences, register, &known);
    Comparison { differences, in_both, strangers }
}

/// What the file says of a member.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Present,
    Left,
    /// In the chat perhaps, under a number by which they cannot be found.
    Moved,
}

struct Look<'l> {
    register: &'l Register,
    known: &'l BTreeMap<Uuid, &'l Known>,
    seen: BTreeMap<Uuid, Seen>,
    differences: Vec<Difference>,
    strangers: Vec<PhoneNumber>,
}

impl Look<'_> {
    fn take(&mut self, participant: &Participant, former: Option<(Uuid, BlindIndex)>) {
        let owner = self.register.owners.get(&participant.index).copied();
        let Some(id) = owner.or(former.map(|(id, _)| id)) else {
            if participant.standing == Standing::Present {
                self.strangers.push(participant.number.clone());
            }
            return;
        };
        let Some(member) = self.known.get(&id).copied() else { return };
        match participant.standing {
            Standing::Present => {
                match (owner, former) {
                    (None, Some((_, old))) => self.change_number(member, old, participant),
                    // One person recorded twice, or a number that went from one to another.
                    (Some(owner), Some((former, old))) if owner != former => {
                        if let Some(other) = self.known.get(&former).copied() {
                            self.change_number(other, old, participant);
                            self.seen.entry(former).or_insert(Seen::Moved);
                        }
                    }
                    _ => {}
                }
                if self.seen.insert(id, Seen::Present) != Some(Seen::Present) {
                    self.differences.extend(role_in_chat(member, participant.admin));
                }
            }
            Standing::Left => {
                self.seen.entry(id).or_insert(Seen::Left);
            }
            Standing::NumberChanged => {
                if member.role.is_some() && !self.seen.contains_key(&id) {
                    self.seen.insert(id, Seen::Moved);
                    self.differences.push(difference(DifferenceKind::NumberChanged, member, member.role));
                }
            }
        }
    }

    fn change_number(&mut self, member: &Known, old: BlindIndex, participant: &Participant) {
        let told = |difference: &Difference| {
            difference.kind == DifferenceKind::NumberChanged && difference.member == member.id
        };
        if self.differences.iter().any(|difference| told(difference) && difference.number.is_some()) {
            return;
        }
        self.differences.retain(|difference| !told(difference));
        self.differences.push(Difference {
            number: Some(NumberChange { old, new: participant.index, new_number: participant.number.clone() }),
            ..difference(DifferenceKind::NumberChanged, member, member.role)
        });
    }
}

fn difference(kind: DifferenceKind, member: &Known, applied_role: Option<Role>) -> Difference {
    Difference {
        kind,
        member: member.id,
        role: member.role,
        applied_role,
        evidence: None,
        obstacle: None,
        number: None,
    }
}

/// What differs for a member who is in the chat. The chat makes an administrator of anybody; the register only of an officer, so that
/// somebody who is no officer is enrolled as a member.
fn role_in_chat(member: &Known, admin: Option<bool>) -> Option<Difference> {
    match (member.role, admin) {
        (None, _) => {
            let role = if admin == Some(true) && member.is_fit() { Role::Custodian } else { Role::Member };
            Some(difference(DifferenceKind::OnlyInChat, member, Some(role)))
        }
        (Some(Role::Member), Some(true)) => {
            Some(difference(DifferenceKind::RoleDiffers, member, Some(Role::Custodian)))
        }
        (Some(Role::Custodian), Some(false)) => {
            Some(difference(DifferenceKind::RoleDiffers, member, Some(Role::Member)))
        }
        _ => None,
    }
}

fn find_obstacles(differences: &mut [Difference], register: &Register, known: &BTreeMap<Uuid, &Known>) {
    for difference in differences.iter_mut() {
        let Some(member) = known.get(&difference.member) else { continue };
        difference.obstacle = match (difference.kind, difference.applied_role) {
            (DifferenceKind::NumberChanged, _) => match &difference.number {
                None => Some(Obstacle::NewNumberUnknown),
                Some(change) if register.owners.contains_key(&change.new) => Some(Obstacle::NumberTaken),
                Some(_) => None,
            },
            (DifferenceKind::OnlyInChat, _) if !member.active => Some(Obstacle::MemberInactive),
            // An officer who administers a group is in it, whomever it is for.
            (DifferenceKind::OnlyInChat, Some(Role::Member)) if !register.slot.admits(&member.person) => {
                Some(Obstacle::NotAdmitted)
            }
            (DifferenceKind::RoleDiffers, Some(Role::Custodian)) if !member.is_fit() => Some(Obstacle::CustodianUnfit),
            _ => None,
        };
    }
    share(differences, register);
}

/// Shares out what is scarce: room, and the custodian whom the group needs. Who is to become a custodian does so before others cease to
/// be one, and who goes makes room for who comes.
fn share(differences: &mut [Difference], register: &Register) {
    let free = |difference: &&mut Difference| difference.obstacle.is_none();
    let comes = |difference: &Difference, role| {
        difference.kind == DifferenceKind::OnlyInChat && difference.applied_role == Some(role)
    };
    let count = |differences: &[Difference], is: &dyn Fn(&Difference) -> bool| {
        differences.iter().filter(|difference| difference.obstacle.is_none() && is(difference)).count()
    };
    let promoted = count(differences, &|difference| {
        difference.kind == DifferenceKind::RoleDiffers && difference.applied_role == Some(Role::Custodian)
    });
    let coming = count(differences, &|difference| comes(difference, Role::Custodian));
    let ending = |difference: &Difference| difference.kind == DifferenceKind::OnlyInRegister;
    let members_ending = count(differences, &|difference| ending(difference) && !difference.loses_custodian());
    let space = i64::from(register.ceiling) - i64::from(register.enrolled_count);
    let room = |ends: usize| usize::try_from(space + ends as i64).unwrap_or(0);

    // How many custodians find room depends on how many go, and how many may go on how many stay or come: from the most that could
    // come downwards until both agree.
    let mut arriving = coming;
    let (losses, custodians_ending) = loop {
        let losses = (register.custodians.all().count() + promoted + arriving).saturating_sub(1);
        let lost =
            differences.iter().filter(|difference| difference.obstacle.is_none() && difference.loses_custodian());
        let ends = lost.take(losses).filter(|difference| ending(difference)).count();
        let fit = room(members_ending + ends).min(coming);
        if fit >= arriving {
            break (losses, ends);
        }
        arriving = fit;
    };
    for difference in differences.iter_mut().filter(free).filter(|difference| difference.loses_custodian()).skip(losses)
    {
        difference.obstacle = Some(Obstacle::SoleCustodian);
    }
    for difference in
        differences.iter_mut().filter(free).filter(|difference| comes(difference, Role::Custodian)).skip(arriving)
    {
        difference.obstacle = Some(Obstacle::GroupFull);
    }
    let room = room(members_ending + custodians_ending) - arriving;
    for difference in
        differences.iter_mut().filter(free).filter(|difference| comes(difference, Role::Member)).skip(room)
    {
        difference.obstacle = Some(Obstacle::GroupFull);
    }
}

impl Difference {
    fn loses_custodian(&self) -> bool {
        self.kind != DifferenceKind::NumberChanged
            && self.role == Some(Role::Custodian)
            && self.applied_role != Some(Role::Custodian)
    }
}

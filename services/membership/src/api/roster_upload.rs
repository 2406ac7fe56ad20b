//! From what the chat application exports to what a comparison needs: parsed, normalised, indexed.

use std::collections::HashMap;

use senani_roster::NumberText;
use senani_vault::{NumberPlan, Vault};

use crate::domain::roster::{Format, MAX_PRESENT, Participant, Standing, Upload};
use crate::error::{Error, RosterRefusal};

/// Reads a file; who uploads it is not known here.
pub(super) fn read(content: &[u8], numbers: NumberPlan, vault: &Vault) -> Result<Upload, Error> {
    let roster = senani_roster::parse(content).map_err(RosterRefusal::Unreadable)?;
    let normalise = |number: &NumberText| numbers.normalise(number.expose()).ok();
    let mut participants = Vec::<Participant>::with_capacity(roster.participants.len());
    let mut places = HashMap::new();
    let mut foreign = 0;
    for participant in &roster.participants {
        let standing = standing(participant.standing);
        let Some(number) = normalise(&participant.number) else {
            foreign += usize::from(standing == Standing::Present);
            continue;
        };
        let index = vault.phone_index(&number);
        let formerly = participant.formerly.iter().filter_map(normalise).map(|number| vault.phone_index(&number));
        let participant =
            Participant { number, index, admin: participant.admin, standing, formerly: formerly.collect() };
        // Two spellings that only the number plan knows to be one number: who is there under either is there.
        match places.get(&index).and_then(|place: &usize| participants.get_mut(*place)) {
            Some(known) if standing == Standing::Present => {
                let admin = participant.admin.or(known.admin);
                *known = Participant { admin, ..participant };
            }
            Some(_) => {}
            None => {
                places.insert(index, participants.len());
                participants.push(participant);
            }
        }
    }
    if participants.iter().filter(|participant| participant.standing == Standing::Present).count() > MAX_PRESENT {
        return Err(RosterRefusal::TooManyPresent.into());
    }
    Ok(Upload {
        format: match roster.format {
            senani_roster::Format::ChatExport => Format::ChatExport,
            senani_roster::Format::List => Format::List,
            senani_roster::Format::Table => Format::Table,
        },
        language: match roster.locale {
            senani_roster::Locale::English => "en",
            senani_roster::Locale::Hindi => "hi",
            senani_roster::Locale::Undetermined => "",
        },
        participants,
        unnumbered: roster.without_number,
        foreign,
        own: roster.own,
        uploader: None,
    })
}

fn standing(standing: senani_roster::Standing) -> Standing {
    match standing {
        senani_roster::Standing::Present => Standing::Present,
        senani_roster::Standing::Left => Standing::Left,
        senani_roster::Standing::NumberChanged => Standing::NumberChanged,
    }
}

//! Messages whose next receipt is still to come, by the time at which it is due.

use std::{collections::VecDeque, fmt, str::FromStr};

use crate::recipient::Recipient;

/// A `wamid`: unique over all starts of all simulators of an exercise, and empty of personal content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageId {
    /// Drawn at the start of the process.
    pub(crate) start: u32,
    /// Counts within the process.
    pub(crate) number: u32,
}

const ID_PREFIX: &str = "wamid.HBgL";

impl fmt::Display for MessageId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{ID_PREFIX}{:08X}{:08X}", self.start, self.number)
    }
}

impl FromStr for MessageId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix(ID_PREFIX).filter(|digits| digits.len() == 16 && digits.is_ascii()).ok_or(())?;
        let read = |digits: &str| u32::from_str_radix(digits, 16).map_err(drop);
        Ok(Self { start: read(&digits[..8])?, number: read(&digits[8..])? })
    }
}

/// An accepted message with receipts to come: 40 bytes and its callback data, whatever the number of its receipts,
/// because the plan is computed again for each of them.
#[derive(Debug)]
pub(crate) struct Pending {
    /// `biz_opaque_callback_data`; empty when there was none.
    pub(crate) callback: Box<str>,
    /// Milliseconds since the epoch.
    pub(crate) accepted_ms: u64,
    pub(crate) id: MessageId,
    pub(crate) recipient: Recipient,
    /// When the next receipt is due, in milliseconds after acceptance.
    pub(crate) due_ms: u32,
    /// Which receipt of the plan is next.
    pub(crate) step: u8,
    /// Whether it was a template, which is charged; a session message is free.
    pub(crate) template: bool,
}

const _: () = assert!(size_of::<Pending>() <= 48);

/// Slot width, in milliseconds.
pub(crate) const TICK_MS: u64 = 10;
/// Slots of the wheel: entries due beyond them wait in the last one and are placed again.
const SLOTS: u64 = 1_024;

/// A timing wheel: constant time for each entry, however many wait.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<Pending>>,
    /// The first tick that was not yet taken.
    tick: u64,
    length: usize,
}

impl Wheel {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), tick: now_ms / TICK_MS, length: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds an entry; one that is overdue comes with the next [`Self::take_due`].
    pub(crate) fn push(&mut self, pending: Pending) {
        // Rounded up, so that nothing comes before its time.
        let due = (pending.accepted_ms + u64::from(pending.due_ms)).div_ceil(TICK_MS);
        let tick = due.clamp(self.tick, self.tick + SLOTS - 1);
        self.slots[(tick % SLOTS) as usize].push(pending);
        self.length += 1;
    }

    /// Moves everything that is due at `now_ms` into `due`.
    pub(crate) fn take_due(&mut self, now_ms: u64, due: &mut VecDeque<Pending>) {
        let now = now_ms / TICK_MS;
        if self.length == 0 {
            self.tick = self.tick.max(now);
            return;
        }
        // After a long pause one turn of the wheel has seen every slot.
        let last = now.min(self.tick + SLOTS - 1);
        let mut early = Vec::new();
        while self.tick <= last {
            let slot = std::mem::take(&mut self.slots[(self.tick % SLOTS) as usize]);
            self.length -= slot.len();
            for pending in slot {
                if pending.accepted_ms + u64::from(pending.due_ms) <= now_ms {
                    due.push_back(pending);
                } else {
                    early.push(pending);
                }
            }
            self.tick += 1;
        }
        self.tick = self.tick.max(now);
        for pending in early {
            self.push(pending);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(number: u32, accepted_ms: u64, due_ms: u32) -> Pending {
        let id = MessageId { start: 1, number };
        let recipient = Recipient::NOT_KEPT;
        Pending { callback: "".into(), accepted_ms, id, recipient, due_ms, step: 0, template: true }
    }

    fn taken(wheel: &mut Wheel, now_ms: u64) -> Vec<u32> {
        let mut due = VecDeque::new();
        wheel.take_due(now_ms, &mut due);
        due.into_iter().map(|pending| pending.id.number).collect()
    }

    #[test]
    fn entries_come_once_and_never_before_their_time() {
        let mut wheel = Wheel::new(1_000);
        wheel.push(pending(1, 1_000, 5));
        wheel.push(pending(2, 1_000, 25));
        wheel.push(pending(3, 0, 0));
        assert_eq!(taken(&mut wheel, 1_004), [3]);
        assert_eq!(taken(&mut wheel, 1_010), [1]);
        assert_eq!(taken(&mut wheel, 1_024), [] as [u32; 0]);
        assert_eq!(taken(&mut wheel, 1_030), [2]);
        assert!(wheel.is_empty());
    }

    #[test]
    fn entries_beyond_one_turn_and_long_pauses_are_kept() {
        let mut wheel = Wheel::new(0);
        wheel.push(pending(1, 0, 60_000));
        let mut now = 0;
        while now < 60_000 {
            assert_eq!(taken(&mut wheel, now), [] as [u32; 0], "at {now}");
            now += 1_000;
        }
        assert_eq!(taken(&mut wheel, 60_010), [1]);
        wheel.push(pending(2, 60_000, 500));
        wheel.push(pending(3, 60_000, 100_000));
        assert_eq!(taken(&mut wheel, 120_000), [2]);
        assert_eq!(wheel.length, 1);
        assert_eq!(taken(&mut wheel, 160_010), [3]);
    }

    #[test]
    fn message_ids_are_read_back() {
        let id = MessageId { start: 0xABCD_0001, number: 42 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "wamid.", "wamid.HBgL", "wamid.HBgLABCD00010000002", "wamid.HBgLABCD0001000000zz"] {
            assert_eq!(text.parse::<MessageId>(), Err(()), "{text}");
        }
    }
}

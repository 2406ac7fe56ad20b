//! How often each callback data was sent: the table by which exactly-once is judged.

use crate::draw::hash;

/// The parts of a W3C `traceparent` that identify the caller's span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// Reads version 00 of the header; anything else counts as absent.
    pub(crate) fn parse(header: &[u8]) -> Option<Self> {
        if header.len() != 55 || !header.starts_with(b"00-") || header[35] != b'-' || header[52] != b'-' {
            return None;
        }
        let (mut trace, mut span, mut flags) = ([0; 16], [0; 8], [0; 1]);
        hex::decode_to_slice(&header[3..35], &mut trace).ok()?;
        hex::decode_to_slice(&header[36..52], &mut span).ok()?;
        hex::decode_to_slice(&header[53..55], &mut flags).ok()?;
        (trace != [0; 16] && span != [0; 8]).then_some(Self { trace, span, flags: flags[0] })
    }
}

impl std::fmt::Display for TraceParent {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "00-{}-{}-{:02x}", hex::encode(self.trace), hex::encode(self.span), self.flags)
    }
}

/// Bytes of one block of texts.
const BLOCK: usize = 64 << 10;
/// A free slot of the index.
const FREE: u32 = u32::MAX;

#[derive(Debug)]
struct Entry {
    block: u32,
    offset: u16,
    length: u16,
    count: u32,
}

/// Texts in blocks, 12 bytes for each, and an open-addressed index of entry numbers: about 70 bytes for a callback data
/// of 40 bytes, where a map of strings takes 130.
#[derive(Debug)]
pub(crate) struct Sends {
    blocks: Vec<Vec<u8>>,
    entries: Vec<Entry>,
    /// Entry numbers; the length is a power of two, at most three quarters are taken.
    index: Vec<u32>,
    /// Of first sends that carried one, by entry number (ascending).
    traces: Vec<(u32, TraceParent)>,
    repeated: u64,
    capacity: usize,
}

/// What [`Sends::add`] saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    First,
    Again,
    /// The table is full and does not hold this callback data.
    NotKept,
}

impl Sends {
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = capacity.min(FREE as usize);
        Self {
            blocks: Vec::new(),
            entries: Vec::new(),
            index: vec![FREE; 16],
            traces: Vec::new(),
            repeated: 0,
            capacity,
        }
    }

    /// Different callback data.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Callback data that came more than once.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Counts one send.
    pub(crate) fn add(&mut self, callback: &str, trace: Option<TraceParent>) -> Seen {
        match self.find(callback) {
            Ok(number) => {
                let entry = &mut self.entries[number];
                if entry.count == 1 {
                    self.repeated += 1;
                }
                entry.count = entry.count.saturating_add(1);
                Seen::Again
            }
            Err(_) if self.entries.len() >= self.capacity => Seen::NotKept,
            Err(slot) => {
                let number = self.entries.len() as u32;
                self.index[slot] = number;
                self.store(callback.as_bytes());
                if let Some(trace) = trace {
                    self.traces.push((number, trace));
                }
                if self.entries.len() * 4 > self.index.len() * 3 {
                    self.grow();
                }
                Seen::First
            }
        }
    }

    /// How often this callback data was sent.
    pub(crate) fn count(&self, callback: &str) -> u32 {
        self.find(callback).map_or(0, |number| self.entries[number].count)
    }

    /// The callback data with this number (in order of their first send), its count and its first trace.
    pub(crate) fn get(&self, number: usize) -> Option<(&str, u32, Option<TraceParent>)> {
        let entry = self.entries.get(number)?;
        let traced = self.traces.binary_search_by_key(&(number as u32), |(number, _)| *number);
        Some((self.text(entry), entry.count, traced.ok().map(|position| self.traces[position].1)))
    }

    fn text(&self, entry: &Entry) -> &str {
        let start = usize::from(entry.offset);
        let bytes = &self.blocks[entry.block as usize][start..start + usize::from(entry.length)];
        std::str::from_utf8(bytes).expect("only whole strings are stored")
    }

    fn store(&mut self, text: &[u8]) {
        if self.blocks.last().is_none_or(|block| block.len() + text.len() > BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        let number = self.blocks.len() - 1;
        let block = &mut self.blocks[number];
        let entry = Entry { block: number as u32, offset: block.len() as u16, length: text.len() as u16, count: 1 };
        block.extend_from_slice(text);
        self.entries.push(entry);
    }

    /// The entry's number, or the free slot where it belongs.
    fn find(&self, text: &str) -> Result<usize, usize> {
        let mask = self.index.len() - 1;
        let mut slot = hash(0, text.as_bytes()) as usize & mask;
        loop {
            match self.index[slot] {
                FREE => return Err(slot),
                number if self.text(&self.entries[number as usize]) == text => return Ok(number as usize),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let mask = self.index.len() * 2 - 1;
        let mut index = vec![FREE; mask + 1];
        for (number, entry) in self.entries.iter().enumerate() {
            let mut slot = hash(0, self.text(entry).as_bytes()) as usize & mask;
            while index[slot] != FREE {
                slot = (slot + 1) & mask;
            }
            index[slot] = number as u32;
        }
        self.index = index;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_callback_data_is_counted_once_for_each_send() {
        let mut sends = Sends::new(1_000_000);
        let text = |number: u32| format!("bulletin/{number};delivery/{}", number * 7);
        for number in 0..20_000 {
            assert_eq!(sends.add(&text(number), None), Seen::First);
        }
        for number in (0..20_000).step_by(5) {
            assert_eq!(sends.add(&text(number), None), Seen::Again);
        }
        sends.add(&text(0), None);
        assert_eq!((sends.len(), sends.repeated()), (20_000, 4_000));
        assert_eq!(
            (sends.count(&text(0)), sends.count(&text(1)), sends.count(&text(5)), sends.count("x")),
            (3, 1, 2, 0)
        );
        assert_eq!(sends.get(3), Some((text(3).as_str(), 1, None)));
        assert_eq!(sends.get(20_000), None);
    }

    #[test]
    fn a_full_table_still_counts_what_it_holds() {
        let mut sends = Sends::new(1);
        assert_eq!(sends.add("a", None), Seen::First);
        assert_eq!(sends.add("b", None), Seen::NotKept);
        assert_eq!(sends.add("a", None), Seen::Again);
        assert_eq!(sends.count("a"), 2);
    }

    #[test]
    fn the_longest_texts_fit_their_blocks() {
        let mut sends = Sends::new(1_000);
        for number in 0..400 {
            sends.add(&format!("{number:0512}"), None);
        }
        assert_eq!(sends.get(399).map(|(text, ..)| text.to_owned()), Some(format!("{:0512}", 399)));
    }

    #[test]
    fn a_traceparent_is_kept_with_the_first_send_and_written_back() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace = TraceParent::parse(header.as_bytes());
        let mut sends = Sends::new(10);
        sends.add("a", None);
        sends.add("b", trace);
        assert_eq!(sends.get(0).unwrap().2, None);
        assert_eq!(sends.get(1).unwrap().2.unwrap().to_string(), header);
        let zeroes = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        for wrong in ["", "01-0af7", zeroes, &header.replace('f', "x"), &header.replace("00-", "01-")] {
            assert_eq!(TraceParent::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}

//! The witness on disk: one JSON line for each accepted send, written before its answer, so that it survives a kill of
//! the simulator; and one line when the last receipt of a send was taken by the webhook.
//!
//! No number is written: receipts that a later process sends for such a message leave `recipient_id` out, as the
//! provider may.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    recipient::Recipient,
    wheel::{MessageId, Pending},
};

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line<'a> {
    Sent {
        sent: &'a str,
        /// Milliseconds since the epoch.
        at: u64,
        template: bool,
        callback: String,
        /// No receipt will come.
        #[serde(default)]
        silent: bool,
    },
    Done {
        done: &'a str,
    },
}

/// Longest line that a simulator writes: 512 bytes of callback data, each escaped as six characters, and the rest.
const MAX_LINE: u64 = 4_096;

/// The open file, locked against a second simulator.
#[derive(Debug)]
pub(crate) struct Record {
    file: File,
    /// Bytes of whole lines; a line that could not be written whole is cut off again.
    length: u64,
    buffer: Vec<u8>,
}

impl Record {
    /// Opens or creates the file, cuts off a torn last line, shows each recorded send to `each` (with whether it is
    /// silent) and returns the sends whose receipts were not all taken.
    pub(crate) fn open(path: &Path, mut each: impl FnMut(&Pending, bool)) -> io::Result<(Self, Vec<Pending>)> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(io::ErrorKind::WouldBlock, "another simulator writes this file"),
            TryLockError::Error(error) => error,
        })?;
        let mut open: HashMap<MessageId, Pending> = HashMap::new();
        let mut reader = BufReader::new(&file);
        let mut length = 0;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line)? as u64;
            if line.last() != Some(&b'\n') {
                if read == MAX_LINE {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long for a record file"));
                }
                break;
            }
            let wrong = || io::Error::new(io::ErrorKind::InvalidData, format!("not a record line at byte {length}"));
            match serde_json::from_slice(&line).map_err(|_| wrong())? {
                Line::Sent { sent, at, template, callback, silent } => {
                    let id = sent.parse().map_err(|()| wrong())?;
                    let pending = Pending {
                        callback: callback.into(),
                        accepted_ms: at,
                        id,
                        recipient: Recipient::NOT_KEPT,
                        due_ms: 0,
                        step: 0,
                        template,
                    };
                    each(&pending, silent);
                    if !silent {
                        open.insert(id, pending);
                    }
                }
                Line::Done { done } => {
                    open.remove(&done.parse().map_err(|()| wrong())?);
                }
            }
            length += read;
        }
        file.set_len(length)?;
        let mut record = Self { file, length, buffer: Vec::with_capacity(1_024) };
        record.file.seek(io::SeekFrom::End(0))?;
        let mut open: Vec<Pending> = open.into_values().collect();
        open.sort_by_key(|pending| (pending.accepted_ms, pending.id.number));
        Ok((record, open))
    }

    /// Appends an accepted send; `silent` when no receipt will come.
    pub(crate) fn sent(&mut self, pending: &Pending, silent: bool) -> io::Result<()> {
        self.buffer.clear();
        // By hand: this is on the path of every message.
        write!(
            self.buffer,
            r#"{{"sent":"{}","at":{},"template":{},"callback":"#,
            pending.id, pending.accepted_ms, pending.template
        )?;
        serde_json::to_writer(&mut self.buffer, &pending.callback)?;
        self.buffer.extend_from_slice(if silent { b",\"silent\":true}\n".as_slice() } else { b"}\n" });
        self.write()
    }

    /// Appends that the last receipts of these sends were taken.
    pub(crate) fn done(&mut self, ids: &[MessageId]) -> io::Result<()> {
        self.buffer.clear();
        for id in ids {
            writeln!(self.buffer, r#"{{"done":"{id}"}}"#)?;
        }
        self.write()
    }

    /// One write for everything in the buffer: what the kernel has taken, a kill of this process cannot undo.
    fn write(&mut self) -> io::Result<()> {
        match self.file.write_all(&self.buffer) {
            Ok(()) => {
                self.length += self.buffer.len() as u64;
                Ok(())
            }
            Err(error) => {
                // A torn line in the middle would make the file unreadable.
                self.file.set_len(self.length)?;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(number: u32) -> Pending {
        Pending {
            callback: format!("delivery \"{number}\"\n").into(),
            accepted_ms: 1_000 + u64::from(number),
            id: MessageId { start: 9, number },
            recipient: Recipient::parse("911000000001").unwrap(),
            due_ms: 40,
            step: 0,
            template: true,
        }
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_everything_before_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.ndjson");
        let (mut record, open) = Record::open(&path, |_, _| panic!("nothing was sent")).unwrap();
        assert!(open.is_empty());
        for number in 0..3 {
            record.sent(&pending(number), number == 2).unwrap();
        }
        record.done(&[MessageId { start: 9, number: 0 }]).unwrap();
        record.file.write_all(br#"{"sent":"wamid.HBgL00"#).unwrap();
        drop(record);

        let mut seen = Vec::new();
        let (record, open) = Record::open(&path, |sent, silent| seen.push((sent.callback.clone(), silent))).unwrap();
        assert_eq!(seen, [(pending(0).callback, false), (pending(1).callback, false), (pending(2).callback, true)]);
        assert_eq!(open.iter().map(|pending| pending.id.number).collect::<Vec<_>>(), [1]);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), record.length);
        assert!(!std::fs::read_to_string(&path).unwrap().contains("911000000001"));
    }

    #[test]
    fn two_simulators_cannot_share_a_file_and_other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.ndjson");
        let _first = Record::open(&path, |_, _| {}).unwrap();
        assert_eq!(Record::open(&path, |_, _| {}).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let other = folder.path().join("notes.txt");
        std::fs::write(&other, "not a record\n").unwrap();
        assert_eq!(Record::open(&other, |_, _| {}).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "not a record\n");
    }
}

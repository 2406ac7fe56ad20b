//! Step 4: the members.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use senani_client::Channel;
use senani_proto::membership::v1::import_members_request::Piece;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_proto::membership::v1::{ImportMembersOptions, ImportMembersRequest, MemberImport};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use uuid::Uuid;

use super::{notice, progress};
use crate::bihar;
use crate::client::figures::number;
use crate::client::rejected::{Pages, reason};
use crate::client::told;
use crate::generate::{MembersOptions, members};

/// Times that a broken stream is sent again; what is durable is skipped.
const ATTEMPTS: u32 = 20;

/// Bytes of the file in one message.
const PIECE: usize = 256 * 1024;

/// Enrols `count` generated members as one import with an id of its own, so that a run that was cut goes on where it was.
pub(super) async fn enrol(channel: &Channel, count: u64) -> anyhow::Result<MemberImport> {
    notice::publish(channel).await?;
    let import_id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("senani demo members {count} seed 1").as_bytes());
    let bar = progress::bar(count, "importing");
    let began = Instant::now();
    let mut attempt = 0;
    let import = loop {
        attempt += 1;
        match send(channel, import_id, count, &bar).await {
            Ok(import) => break import,
            Err(status) if matches!(status.code(), Code::Unavailable | Code::Aborted) && attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(status) => return Err(told(&status)),
        }
    };
    bar.finish_and_clear();
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "   {} rows: {} accepted with {} enrolments, {} rejected; {:.1} s",
        number(import.row_count),
        number(import.accepted_count),
        number(import.enrolment_count),
        number(import.rejected_count),
        seconds
    );
    list_rejected(channel, &import).await?;
    Ok(import)
}

async fn send(
    channel: &Channel,
    import_id: Uuid,
    count: u64,
    bar: &indicatif::ProgressBar,
) -> Result<MemberImport, Status> {
    let (sender, receiver) = mpsc::channel(4);
    let options = ImportMembersOptions { import_id: import_id.to_string(), notice_version: notice::VERSION.to_owned() };
    let first = ImportMembersRequest { piece: Some(Piece::Options(options)) };
    // The generator writes as fast as the stream takes it, in constant memory.
    tokio::task::spawn_blocking(move || {
        if sender.blocking_send(first).is_ok() {
            let mut pieces = Pieces { sender, buffer: Vec::with_capacity(PIECE) };
            let written = members(&mut pieces, &MembersOptions { count, seed: 1 }, bihar::UNITS, &bihar::ORDERS);
            // When the stream has broken, its own error says so.
            let _ = written.map_err(io::Error::other).and_then(|_| pieces.flush());
        }
    });
    let mut responses =
        MemberServiceClient::new(channel.clone()).import_members(ReceiverStream::new(receiver)).await?.into_inner();
    let mut import = None;
    while let Some(response) = responses.message().await? {
        if let Some(progress) = response.progress {
            bar.set_position(progress.row_count.unsigned_abs());
            import = Some(progress);
        }
        if response.done {
            break;
        }
    }
    match import {
        Some(import) if import.complete => Ok(import),
        _ => Err(Status::unavailable("the import was cut before its end")),
    }
}

/// A file that is sent while it is written.
struct Pieces {
    sender: mpsc::Sender<ImportMembersRequest>,
    buffer: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let content = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        let piece = ImportMembersRequest { piece: Some(Piece::Content(content.into())) };
        self.sender.blocking_send(piece).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

/// Each kind of rejected row with its first lines.
async fn list_rejected(channel: &Channel, import: &MemberImport) -> anyhow::Result<()> {
    let mut kinds: BTreeMap<&'static str, (i64, Vec<i64>)> = BTreeMap::new();
    let mut pages = Pages::new(channel.clone(), &import.name);
    while let Some(rows) = pages.next().await? {
        for row in rows {
            let (count, lines) = kinds.entry(reason(&row)).or_default();
            *count += 1;
            if lines.len() < 4 {
                lines.push(row.line);
            }
        }
    }
    for (reason, (count, lines)) in kinds {
        let shown = lines.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let more = if count > 4 { ", …" } else { "" };
        println!("     {:>6}  {reason:<20} lines {shown}{more}", number(count));
    }
    println!("   all of them: senani rejected {}", import.name);
    Ok(())
}

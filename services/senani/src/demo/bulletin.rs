//! Step 5: a bulletin, from the desk to the phones.

use std::time::Duration;

use anyhow::Context as _;
use senani_client::Channel;
use senani_proto::bulletin::v1::attach_poster_request::Piece;
use senani_proto::bulletin::v1::bulletin::State;
use senani_proto::bulletin::v1::bulletin_service_client::BulletinServiceClient;
use senani_proto::bulletin::v1::{
    ApproveBulletinRequest, AttachPosterRequest, Bulletin, Category, CreateBulletinRequest, ListBulletinsRequest,
    PreviewBulletinRequest, Publication, PublishBulletinRequest, Severity, SubmitBulletinRequest, WatchProgressRequest,
    WatchProgressResponse,
};
use senani_proto::membership::v1::AudienceSelector;
use tokio::time::{Instant, sleep};
use tonic::Status;
use uuid::Uuid;

use super::{Officers, RANGE, STATE, progress};
use crate::client::figures::number;
use crate::client::told;
use crate::generate;

/// Headlines of the demo's bulletin; the Hindi one is how a second run finds it.
const HEADLINE_HI: &str = "डिजिटल अरेस्ट से सावधान";
const HEADLINE_EN: &str = "Beware of \"digital arrest\"";
const TEXT_HI: &str = "कोई भी पुलिस अधिकारी वीडियो कॉल पर गिरफ्तार नहीं करता और न ही पैसे माँगता है। ऐसी कॉल काट दें, \
     किसी को ओटीपी न बताएँ और तुरंत 1930 पर सूचना दें।";
const TEXT_EN: &str = "No police officer arrests anyone over a video call or asks for money. Hang up, share no OTP, and report at \
     once to 1930.";

/// How long nothing may change before the demo gives up on what is under way.
const STALLED: Duration = Duration::from_secs(60);

/// What was published.
pub(super) struct Published {
    /// `bulletins/{uid}`.
    pub(super) bulletin: String,
    /// Consenting persons in the whole state at the moment of the second publication.
    pub(super) persons: i64,
    /// How far it was when nothing was under way any more.
    pub(super) progress: WatchProgressResponse,
}

/// Writes, approves and publishes the bulletin, or goes on with the one of an earlier run.
pub(super) async fn publish(officers: &Officers, simulator: &senani_simulator::Handle) -> anyhow::Result<Published> {
    let mut author = BulletinServiceClient::new(officers.author.clone());
    let bulletin = approved(officers, &mut author).await?;
    let mut persons = 0;
    for (what, unit) in [("one range", RANGE), ("the state", STATE)] {
        let publication = to_audience(&mut author, &bulletin, what, unit).await?;
        persons = publication.person_count;
        dispatched(&mut author, &bulletin.name).await?;
    }
    let progress = receipts(&mut author, &bulletin.name, simulator).await?;
    Ok(Published { bulletin: bulletin.name, persons, progress })
}

type Client = BulletinServiceClient<Channel>;

async fn approved(officers: &Officers, author: &mut Client) -> anyhow::Result<Bulletin> {
    let mut bulletin = match earlier(author).await? {
        Some(bulletin) => {
            println!("   the bulletin of an earlier run: {}", bulletin.name);
            bulletin
        }
        None => {
            let request = CreateBulletinRequest { bulletin: Some(draft()), request_id: Uuid::now_v7().to_string() };
            let bulletin = author.create_bulletin(request).await.map_err(|status| told(&status))?.into_inner();
            println!("   written in Hindi and English: {HEADLINE_HI} / {HEADLINE_EN}");
            bulletin
        }
    };
    if bulletin.state() == State::Draft {
        bulletin = attach_poster(author, &bulletin.name).await?;
        let name = bulletin.name.clone();
        let submitted = author.submit_bulletin(SubmitBulletinRequest { name }).await;
        bulletin = submitted.map_err(|status| told(&status))?.into_inner();
    }
    if bulletin.state() == State::InReview {
        let request = ApproveBulletinRequest { name: bulletin.name.clone(), etag: bulletin.etag.clone() };
        match author.approve_bulletin(request.clone()).await {
            Err(status) => println!("   the author may not approve it: {}", status.message()),
            Ok(_) => anyhow::bail!("the author could approve the own bulletin"),
        }
        let mut approver = BulletinServiceClient::new(officers.approver.clone());
        bulletin = approver.approve_bulletin(request).await.map_err(|status| told(&status))?.into_inner();
        println!("   approved by a second officer as {}", bulletin.number);
    }
    Ok(bulletin)
}

async fn earlier(author: &mut Client) -> anyhow::Result<Option<Bulletin>> {
    let request = ListBulletinsRequest { page_size: 500, page_token: String::new() };
    let bulletins = author.list_bulletins(request).await.map_err(|status| told(&status))?.into_inner().bulletins;
    Ok(bulletins.into_iter().find(|bulletin| bulletin.headlines.get("hi").is_some_and(|text| text == HEADLINE_HI)))
}

fn draft() -> Bulletin {
    let both = |hi: &str, en: &str| [("hi".to_owned(), hi.to_owned()), ("en".to_owned(), en.to_owned())].into();
    Bulletin {
        issuing_unit: "units/eou".to_owned(),
        category: Category::CyberCrime.into(),
        severity: Severity::Routine.into(),
        headlines: both(HEADLINE_HI, HEADLINE_EN),
        texts: both(TEXT_HI, TEXT_EN),
        ..Bulletin::default()
    }
}

async fn attach_poster(author: &mut Client, name: &str) -> anyhow::Result<Bulletin> {
    let image = generate::poster([178, 34, 34])?;
    let size = image.len();
    let first = AttachPosterRequest { piece: Some(Piece::Name(name.to_owned())) };
    let content = image
        .chunks(256 * 1024)
        .map(|bytes| AttachPosterRequest { piece: Some(Piece::Content(bytes.to_vec().into())) });
    let pieces: Vec<AttachPosterRequest> = std::iter::once(first).chain(content).collect();
    let attached = author.attach_poster(tokio_stream::iter(pieces)).await;
    let bulletin = attached.map_err(|status| told(&status))?.into_inner();
    let poster = bulletin.poster.clone().context("the poster is missing")?;
    println!("   poster attached: {} × {}, {} KB", poster.width, poster.height, size / 1000);
    Ok(bulletin)
}

async fn to_audience(author: &mut Client, bulletin: &Bulletin, what: &str, unit: &str) -> anyhow::Result<Publication> {
    let audience = AudienceSelector { units: vec![unit.to_owned()], ..AudienceSelector::default() };
    let request = PreviewBulletinRequest { name: bulletin.name.clone(), audience: Some(audience.clone()) };
    let preview = author.preview_bulletin(request).await.map_err(|status| told(&status))?.into_inner();
    println!(
        "   to {what}: {} groups ({} without a custodian), {} persons, {} of them consent to direct messages",
        number(preview.group_count),
        number(preview.orphan_count),
        number(preview.person_count),
        number(preview.consenting_count)
    );
    // The same publication again is answered, not made again.
    let request_id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{} {unit}", bulletin.name).as_bytes());
    let request = PublishBulletinRequest {
        name: bulletin.name.clone(),
        audience: Some(audience),
        request_id: request_id.to_string(),
    };
    let publication = author.publish_bulletin(request).await;
    let publication = publication.map_err(|status| told(&status))?.into_inner();
    Ok(Publication { person_count: preview.consenting_count, ..publication })
}

/// Waits until everything in the ledger has left the house.
async fn dispatched(author: &mut Client, name: &str) -> anyhow::Result<()> {
    let bar = progress::bar(0, "dispatching");
    let began = Instant::now();
    let (mut last, mut first_sent) = (WatchProgressResponse::default(), None);
    let mut changed = Instant::now();
    loop {
        let watched = watch(author, name, |progress| {
            let total = progress.delivery_count + progress.expanding_count;
            let sent = progress.delivery_count - progress.queued_count - progress.in_flight_count;
            first_sent.get_or_insert(sent);
            bar.set_length(total.unsigned_abs());
            bar.set_position(sent.unsigned_abs());
            if *progress != last {
                changed = Instant::now();
                last = *progress;
            }
        })
        .await;
        let over = last.state() == State::Published
            && last.queued_count == 0
            && last.in_flight_count == 0
            && last.expanding_count == 0;
        match watched {
            _ if over => break,
            Err(status) if changed.elapsed() > STALLED => return Err(told(&status)),
            _ if changed.elapsed() > STALLED => anyhow::bail!("nothing has moved for {} s", STALLED.as_secs()),
            _ => sleep(Duration::from_millis(100)).await,
        }
    }
    bar.finish_and_clear();
    let sent = last.delivery_count - first_sent.unwrap_or(0);
    let seconds = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a rate for people")]
    let rate = (sent as f64 / seconds.max(0.001)) as i64;
    println!(
        "     ledger: {} posting tasks, {} deliveries; sent in {seconds:.1} s ({} a second)",
        number(last.task_count),
        number(last.delivery_count),
        number(rate)
    );
    Ok(())
}

async fn watch(author: &mut Client, name: &str, mut each: impl FnMut(&WatchProgressResponse)) -> Result<(), Status> {
    let mut stream = author.watch_progress(WatchProgressRequest { name: name.to_owned() }).await?.into_inner();
    while let Some(progress) = stream.message().await? {
        each(&progress);
    }
    Ok(())
}

/// Waits until the provider has told everything and the service has taken it in.
async fn receipts(
    author: &mut Client,
    name: &str,
    simulator: &senani_simulator::Handle,
) -> anyhow::Result<WatchProgressResponse> {
    let bar = progress::bar(0, "receipts");
    let (mut last, mut changed) = (WatchProgressResponse::default(), Instant::now());
    loop {
        let now = now(author, name).await?;
        let settled = now.delivered_count + now.read_count + now.failed_count;
        bar.set_length(now.delivery_count.unsigned_abs());
        bar.set_position(settled.unsigned_abs());
        if now != last {
            changed = Instant::now();
            last = now;
        }
        let quiet = changed.elapsed();
        // The last webhook was answered when its body was durable; it is applied a moment later.
        if simulator.witness().pending == 0 && settled == now.delivery_count && quiet > Duration::from_secs(1) {
            break;
        }
        if quiet > STALLED {
            break;
        }
        sleep(Duration::from_millis(200)).await;
    }
    bar.finish_and_clear();
    println!(
        "   receipts: {} read, {} delivered and not read, {} failed, {} without",
        number(last.read_count),
        number(last.delivered_count),
        number(last.failed_count),
        number(last.sent_count + last.in_flight_count + last.queued_count)
    );
    Ok(last)
}

/// The progress at this moment.
async fn now(author: &mut Client, name: &str) -> anyhow::Result<WatchProgressResponse> {
    let watched = author.watch_progress(WatchProgressRequest { name: name.to_owned() }).await;
    let mut stream = watched.map_err(|status| told(&status))?.into_inner();
    let first = stream.message().await.map_err(|status| told(&status))?;
    first.context("the progress ended before it began")
}

//! What anybody reads with a browser or a reader of feeds: from the domain's types to HTML, JSON and XML. No tables, no transport.

pub(crate) mod alert;
pub(crate) mod feed;
pub(crate) mod html;
pub(crate) mod json;
mod xml;
#[cfg(test)]
mod xml_check;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, UtcOffset};

use crate::domain::Micros;

/// A page as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// HTTP status.
    pub(crate) status: i32,
    /// The header Content-Type.
    pub(crate) content_type: String,
    /// The header ETag, with its quotes.
    pub(crate) etag: String,
    /// Seconds that anybody may keep it.
    pub(crate) max_age: i32,
    pub(crate) body: Bytes,
}

impl Page {
    /// A page whose tag is that of its content.
    pub(crate) fn new(status: i32, content_type: &str, max_age: i32, body: impl Into<Vec<u8>>) -> Self {
        let body = Bytes::from(body.into());
        let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
        Self { status, content_type: content_type.to_owned(), etag, max_age, body }
    }

    /// The page, or that the reader has it already.
    pub(crate) fn unless(self, if_none_match: &str) -> Self {
        if self.status == 200 && matches(if_none_match, &self.etag) {
            Self { status: 304, body: Bytes::new(), ..self }
        } else {
            self
        }
    }
}

/// Whether one of the tags in a header is this one (RFC 9110, 13.1.2: compared weakly).
pub(crate) fn matches(if_none_match: &str, etag: &str) -> bool {
    if_none_match.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// A moment where the cell's clocks are: whole seconds, as CAP and Atom both read it, `2026-11-25T03:00:00+05:30`. CAP forbids `Z`, and
/// writes UTC as `-00:00`.
pub(crate) fn moment(at: Micros, offset: UtcOffset) -> String {
    let time = local(at, offset);
    let (hours, minutes, _) = offset.as_hms();
    let sign = if offset.is_positive() { '+' } else { '-' };
    let (hours, minutes) = (hours.unsigned_abs(), minutes.unsigned_abs());
    let (date, clock) = (time.date(), time.time());
    format!("{date}T{:02}:{:02}:{:02}{sign}{hours:02}:{minutes:02}", clock.hour(), clock.minute(), clock.second())
}

/// A moment as people write it in India: `25.11.2026, 03:00`.
fn written(at: Micros, offset: UtcOffset) -> String {
    let time = local(at, offset);
    let (day, month, year) = (time.day(), u8::from(time.month()), time.year());
    format!("{day:02}.{month:02}.{year}, {:02}:{:02}", time.hour(), time.minute())
}

fn local(at: Micros, offset: UtcOffset) -> OffsetDateTime {
    let time = OffsetDateTime::from_unix_timestamp(at.div_euclid(1_000_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.to_offset(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_an_offset_and_never_a_z_or_a_fraction() {
        let india = UtcOffset::from_hms(5, 30, 0).unwrap();
        assert_eq!(moment(1_795_555_800_500_000, india), "2026-11-25T03:00:00+05:30");
        assert_eq!(moment(1_795_555_800_500_000, UtcOffset::UTC), "2026-11-24T21:30:00-00:00");
        let west = UtcOffset::from_hms(-3, -30, 0).unwrap();
        assert_eq!(moment(1_795_555_800_000_000, west), "2026-11-24T18:00:00-03:30");
        assert_eq!(written(1_795_555_800_000_000, india), "25.11.2026, 03:00");
    }

    #[test]
    fn a_reader_that_has_a_page_does_not_get_it_again() {
        let page = Page::new(200, "text/plain", 60, "content");
        for tags in [page.etag.clone(), format!("W/{}", page.etag), format!("\"x\", {}", page.etag), "*".to_owned()] {
            let short = page.clone().unless(&tags);
            assert_eq!((short.status, short.body.len(), &short.etag), (304, 0, &page.etag));
        }
        assert_eq!(page.clone().unless("\"x\""), page);
        assert_eq!(page.clone().unless(""), page);
        let missing = Page { status: 404, ..page };
        assert_eq!(missing.clone().unless("*"), missing);
    }
}

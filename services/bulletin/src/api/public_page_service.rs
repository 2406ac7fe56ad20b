//! `senani.bulletin.v1.PublicPageService`: what anybody reads, for the gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use senani_access::Principal;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::public_page_service_server::PublicPageService;
use senani_store::{Store, Timestamp};
use senani_unit_replica::UnitReplica;
use time::UtcOffset;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::domain::alert::{self, CANCEL, Surroundings};
use crate::domain::bulletin::Bulletin;
use crate::domain::code::Code;
use crate::domain::verification::{Signed, Standing};
use crate::error::Error;
use crate::objects::PosterObjects;
use crate::page::{self, Page, feed, html, json};
use crate::signing::SigningKeys;
use crate::store::{publications, verifications};

/// Seconds that anybody may keep what may be corrected or withdrawn.
const SHORT: i32 = 60;
/// Seconds that anybody may keep the keys: a new one is published an hour before it matters at the latest.
const LONG: i32 = 3_600;
/// Bulletins in a feed.
const FEED_BULLETINS: i64 = 50;

/// Posters that are read for strangers at a time.
pub(crate) const POSTERS_AT_ONCE: usize = 4;
/// Areas in an alert at most: receivers take 100 kB gladly.
const AREAS: usize = 100;

/// The pages.
#[derive(Debug)]
pub(crate) struct PublicPageApi {
    pub(crate) store: Store,
    pub(crate) units: UnitReplica,
    pub(crate) objects: PosterObjects,
    pub(crate) keys: Arc<SigningKeys>,
    pub(crate) public_url: Arc<str>,
    pub(crate) time_zone: UtcOffset,
    /// Posters take memory: [`POSTERS_AT_ONCE`] are read at a time.
    pub(crate) reading: Semaphore,
}

#[tonic::async_trait]
impl PublicPageService for PublicPageApi {
    async fn get_page(&self, request: Request<pb::GetPageRequest>) -> Result<Response<pb::GetPageResponse>, Status> {
        if !Principal::of(&request)?.is_service() {
            return Err(Error::ServicesOnly.into());
        }
        let request = request.into_inner();
        let page = self.page(&request).await?.unless(&request.if_none_match);
        Ok(Response::new(pb::GetPageResponse {
            status: page.status,
            content_type: page.content_type,
            etag: page.etag,
            max_age_seconds: page.max_age,
            body: page.body,
        }))
    }
}

impl PublicPageApi {
    async fn page(&self, request: &pb::GetPageRequest) -> Result<Page, Error> {
        let path = request.path.as_str();
        if let Some(rest) = path.strip_prefix("/v/") {
            return match rest.strip_suffix("/poster") {
                Some(code) => self.poster(code, &request.if_none_match).await,
                None => self.verification(rest, &request.accept).await,
            };
        }
        if let Some(identifier) = path.strip_prefix("/cap/").and_then(|file| file.strip_suffix(".xml")) {
            return self.alert(identifier).await;
        }
        Ok(match path {
            "/feed.atom" => {
                let (issued, now) = (self.newest().await?, Timestamp::now().0);
                let body = feed::bulletins(&issued, &self.public_url, now, self.time_zone);
                Page::new(200, feed::MEDIA_TYPE, SHORT, body)
            }
            "/feed.cap" => {
                let body = feed::alerts(&self.newest().await?, &self.public_url, self.time_zone);
                Page::new(200, feed::MEDIA_TYPE, SHORT, body)
            }
            "/.well-known/senani-keys.json" => Page::new(200, json::MEDIA_TYPE, LONG, json::keys(&self.keys.public())),
            _ => nothing(),
        })
    }

    async fn verification(&self, typed: &str, accept: &str) -> Result<Page, Error> {
        let code = Code::parse(typed);
        let found = match code {
            Some(code) => verifications::by_code(self.store.reader(), code).await?,
            None => None,
        };
        let status = if found.is_some() { 200 } else { 404 };
        let wants_json = accept.contains(json::MEDIA_TYPE) && !accept.contains("text/html");
        let now = Timestamp::now().0;
        let (media_type, body) = match (&found, wants_json) {
            (Some(signed), true) => {
                (json::MEDIA_TYPE, json::verification(signed, &self.issuer(signed), now, self.time_zone))
            }
            (Some(signed), false) => {
                (html::MEDIA_TYPE, html::verification(signed, &self.issuer(signed), now, self.time_zone))
            }
            (None, true) => (json::MEDIA_TYPE, json::unknown(code)),
            (None, false) => (html::MEDIA_TYPE, html::unknown()),
        };
        Ok(Page::new(status, media_type, SHORT, body))
    }

    /// The poster, for whoever has the code; not of what is withdrawn.
    async fn poster(&self, typed: &str, if_none_match: &str) -> Result<Page, Error> {
        let Some(code) = Code::parse(typed) else { return Ok(nothing()) };
        let found = verifications::by_code(self.store.reader(), code).await?;
        let found = found.filter(|signed| Standing::of(&signed.fate, Timestamp::now().0) != Standing::Withdrawn);
        let Some(poster) = found.and_then(|signed| signed.bulletin.poster) else { return Ok(nothing()) };
        // The name of the content is its tag: who has it costs no reading.
        let etag = format!("\"{}\"", poster.sha256);
        let known = page::matches(if_none_match, &etag);
        let body = if known {
            Bytes::new()
        } else {
            let _turn = self.reading.acquire().await.map_err(|_| Error::Stopping)?;
            self.objects.get(&poster).await?
        };
        Ok(Page { status: if known { 304 } else { 200 }, content_type: poster.media_type, etag, max_age: SHORT, body })
    }

    async fn alert(&self, identifier: &str) -> Result<Page, Error> {
        let id = identifier.strip_suffix(CANCEL).unwrap_or(identifier);
        // As it is written in the message: no capitals, no other form.
        let Some(id) = id.parse::<Uuid>().ok().filter(|parsed| parsed.to_string() == id) else { return Ok(nothing()) };
        let Some(signed) = verifications::public(self.store.reader(), id).await? else { return Ok(nothing()) };
        if alert::identifier(&signed).0 != identifier {
            return Ok(nothing());
        }
        let message = alert::message(&signed, &self.surroundings(&signed).await?);
        let body = page::alert::document(&message, self.time_zone);
        Ok(Page::new(200, page::alert::MEDIA_TYPE, SHORT, body))
    }

    async fn newest(&self) -> Result<Vec<feed::Issued>, Error> {
        let found = verifications::newest(self.store.reader(), FEED_BULLETINS).await?;
        Ok(found
            .into_iter()
            .map(|signed| {
                let names = self.issuer(&signed);
                (signed, names)
            })
            .collect())
    }

    async fn surroundings(&self, signed: &Signed) -> Result<Surroundings, Error> {
        let mut areas: Vec<(String, BTreeMap<String, String>)> = Vec::new();
        let (tree, sets) = (self.units.tree(), self.units.sets());
        for publication in publications::of(self.store.reader(), signed.bulletin.id).await? {
            let audience = publication.audience;
            let in_sets =
                tree.units().filter(|unit| audience.unit_sets.iter().any(|set| sets.contains(set, unit.id())));
            let slugs = audience.units.iter().map(String::as_str).chain(in_sets.map(|unit| unit.slug()));
            for slug in slugs {
                if areas.len() < AREAS && !areas.iter().any(|(known, _)| known == slug) {
                    areas.push((slug.to_owned(), tree.by_slug(slug).map(names_of).unwrap_or_default()));
                }
            }
        }
        let (public_url, issuer) = (self.public_url.to_string(), self.issuer(signed));
        Ok(Surroundings { public_url, issuer, areas })
    }

    fn issuer(&self, signed: &Signed) -> BTreeMap<String, String> {
        let Bulletin { issuing_unit, .. } = &signed.bulletin;
        self.units.tree().by_id(issuing_unit.id).map(names_of).unwrap_or_default()
    }
}

fn names_of(unit: senani_unit_tree::Unit<'_>) -> BTreeMap<String, String> {
    unit.names().map(|(language, name)| (language.to_owned(), name.to_owned())).collect()
}

/// A path that nobody has.
fn nothing() -> Page {
    Page::new(404, "text/plain; charset=utf-8", SHORT, "यहाँ कुछ नहीं है · nothing is here\n")
}

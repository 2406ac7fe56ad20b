//! Bulletins as a channel sends them, kept while they are being sent.

use std::collections::HashMap;
use std::sync::Arc;

use senani_store::Store;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::channel::{Content, Sender, upload};
use crate::config::ChannelConfig;
use crate::domain::attempt::Answer;
use crate::domain::bulletin::Bulletin;
use crate::error::Error;
use crate::objects::PosterObjects;
use crate::store::{bulletins, media};

/// Bulletins kept at most; more than are ever sent at once.
const KEPT: usize = 32;

/// Contents by bulletin. A bulletin's texts never change once it is approved.
#[derive(Debug)]
pub(super) struct Library {
    store: Store,
    channel: String,
    template: String,
    sender: Sender,
    objects: PosterObjects,
    contents: Mutex<HashMap<Uuid, Arc<Content>>>,
}

/// A content, or what the provider said when its poster was uploaded.
pub(super) type Found = Result<Arc<Content>, Answer>;

impl Library {
    pub(super) fn new(store: Store, objects: PosterObjects, channel: &ChannelConfig, sender: Sender) -> Self {
        let (channel, template) = (channel.name.clone(), channel.template.clone());
        Self { store, channel, template, sender, objects, contents: Mutex::default() }
    }

    /// The content of a bulletin; its poster is uploaded when the provider does not have it.
    pub(super) async fn content(&self, bulletin: Uuid) -> Result<Found, Error> {
        // Held meanwhile: two batches must not upload the same poster twice.
        let mut contents = self.contents.lock().await;
        if let Some(content) = contents.get(&bulletin) {
            return Ok(Ok(Arc::clone(content)));
        }
        let found = bulletins::find(self.store.reader(), bulletin).await?;
        let found = found.ok_or(Error::BulletinNotFound(bulletin))?;
        let media_id = match self.media_id(&found).await? {
            Ok(media_id) => media_id,
            Err(answer) => return Ok(Err(answer)),
        };
        let content = Arc::new(Content::of(&found, &self.template, media_id));
        if contents.len() >= KEPT {
            contents.clear();
        }
        contents.insert(bulletin, Arc::clone(&content));
        Ok(Ok(content))
    }

    async fn media_id(&self, bulletin: &Bulletin) -> Result<Result<Option<String>, Answer>, Error> {
        let Some(poster) = &bulletin.poster else { return Ok(Ok(None)) };
        if let Some(id) = media::find(&self.store, &self.channel, &poster.sha256).await? {
            return Ok(Ok(Some(id)));
        }
        // Not without its poster: a batch that cannot have it is tried again.
        let content = self.objects.get(poster).await?;
        match upload(&mut self.sender.connection(), &poster.media_type, &content).await {
            Ok(id) => {
                media::save(&self.store, &self.channel, &poster.sha256, &id).await?;
                Ok(Ok(Some(id)))
            }
            Err(answer) => Ok(Err(answer)),
        }
    }

    /// The provider does not know a poster any more: it is uploaded again for the next batch.
    pub(super) async fn forget_media(&self, bulletin: Uuid) -> Result<(), Error> {
        let content = self.contents.lock().await.remove(&bulletin);
        match content.as_ref().and_then(|content| content.media_id.as_deref()) {
            Some(id) => Ok(media::forget(&self.store, &self.channel, id).await?),
            None => Ok(()),
        }
    }
}

//! The tree, the sets and the posts in memory.

use std::sync::Arc;

use arc_swap::ArcSwap;
use sea_orm::DbErr;
use senani_store::Store;
use senani_unit_tree::{TreeError, UnitTree};
use tokio::sync::watch;

use crate::{Posts, UnitSets, UnitSink, post_table, set_table, table};

/// Why the replica cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The database failed.
    #[error("the replica of the structure cannot be read")]
    Database(#[from] DbErr),
    /// What is stored is no tree.
    #[error("the stored replica of the structure is no tree")]
    Tree(#[from] TreeError),
}

/// The structure as this service knows it. Cheap to clone; all clones see the same tree.
#[derive(Debug, Clone)]
pub struct UnitReplica {
    pub(crate) store: Store,
    pub(crate) tree: Arc<ArcSwap<UnitTree>>,
    pub(crate) sets: Arc<ArcSwap<UnitSets>>,
    pub(crate) posts: Arc<ArcSwap<Posts>>,
    pub(crate) changed: watch::Sender<u64>,
}

impl UnitReplica {
    /// Loads what the database holds; empty before hierarchy was first heard.
    ///
    /// # Errors
    /// [`ReplicaError`].
    pub async fn load(store: Store) -> Result<Self, ReplicaError> {
        let tree = UnitTree::build(table::load(store.reader()).await?)?;
        let sets = set_table::load(store.reader()).await?;
        let posts = post_table::load(store.reader()).await?;
        Ok(Self {
            store,
            tree: Arc::new(ArcSwap::from_pointee(tree)),
            sets: Arc::new(ArcSwap::from_pointee(sets)),
            posts: Arc::new(ArcSwap::from_pointee(posts)),
            changed: watch::channel(0).0,
        })
    }

    /// The structure now.
    pub fn tree(&self) -> Arc<UnitTree> {
        self.tree.load_full()
    }

    /// Which units are in which sets now.
    pub fn sets(&self) -> Arc<UnitSets> {
        self.sets.load_full()
    }

    /// Who holds which post.
    pub fn posts(&self) -> Arc<Posts> {
        self.posts.load_full()
    }

    /// Changes whenever the tree, the sets or the posts do.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What to give to `senani_client::follower::follow` with a channel to hierarchy.
    pub fn sink(&self) -> UnitSink {
        UnitSink::new(self.clone())
    }
}

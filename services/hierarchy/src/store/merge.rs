//! Changes of several units at once: merging two, splitting one.

use prost::Message;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_store::{Rows, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::change::{refused, write_changed};
use super::row::COLUMNS;
use super::units::{Beginning, Repeat, check_codes, find, find_parent, finish, units};
use super::versions::{self, Scope};
use super::{Units, appointments, posts, write};
use crate::convert;
use crate::domain::{Draft, Step, Timeline, Unit};
use crate::error::{Error, Wrong};

/// What a request about several units says beside them.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    /// The state of the first unit that the caller has seen, or empty.
    pub(crate) etag: String,
    /// The day from which it holds.
    pub(crate) from: String,
    /// Who asks.
    pub(crate) by: &'a str,
    pub(crate) repeat: Option<Repeat<'a>>,
    pub(crate) validate_only: bool,
}

impl Units {
    /// Closes a unit in favour of another.
    pub(crate) async fn merge(
        &self,
        slug: &str,
        successor: &str,
        terms: Terms<'_>,
    ) -> Result<pb::MergeUnitsResponse, Error> {
        let mut txn = match self.begin(terms.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return Ok(pb::MergeUnitsResponse::decode(answer.as_slice())?),
        };
        let from = terms.from.as_str();
        let mut merged = read(&txn, slug, &terms.etag).await?;
        let mut survivor = find(&*txn, successor, None).await?.ok_or_else(|| {
            let wrong = Wrong::new(ErrorReason::SuccessorUnknown, "successor", "no such unit");
            Error::Invalid(vec![wrong.with("successor", format!("units/{successor}"))])
        })?;
        let mut timeline = versions::timeline(&*txn, Scope::Since(from)).await?;
        let children = self.take_children(&txn, &mut timeline, &merged, &survivor, from).await?;

        let gained = survivor.draft.codes.len();
        let (kept, given) = std::mem::take(&mut merged.draft.codes)
            .into_iter()
            .partition(|(system, _)| survivor.draft.codes.contains_key(system));
        merged.draft.codes = kept;
        survivor.draft.codes.extend(given);
        merged.successor.clone_from(&survivor.draft.slug);
        from.clone_into(&mut merged.closed_on);
        self.step(&txn, &mut timeline, &mut merged, Step::Merge(survivor.id), from).await?;
        let mut changed: Vec<&Unit> = Vec::new();
        if survivor.draft.codes.len() > gained {
            self.step(&txn, &mut timeline, &mut survivor, Step::Describe, from).await?;
            changed.push(&survivor);
        }
        changed.extend(&children);
        changed.push(&merged);

        let posts = self.close_posts(&txn, &merged, from, terms.by).await?;

        let answer = pb::MergeUnitsResponse {
            successor: Some(convert::unit(&survivor)),
            merged: Some(convert::unit(&merged)),
            moved: convert::names(&children),
        };
        if terms.validate_only {
            return Ok(answer);
        }
        finish(&txn, terms.repeat.as_ref(), &answer).await?;
        write_changed(&txn, &changed, from).await?;
        appointments::write(&txn, &posts).await?;
        txn.append(changed.into_iter().map(convert::unit_changed).chain(posts::events(&posts)).collect()).await?;
        txn.commit().await?;
        Ok(answer)
    }

    /// Makes a new unit that takes some of the children of one.
    pub(crate) async fn split(&self, slug: &str, part: Part, terms: Terms<'_>) -> Result<pb::SplitUnitResponse, Error> {
        let mut txn = match self.begin(terms.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return Ok(pb::SplitUnitResponse::decode(answer.as_slice())?),
        };
        let from = terms.from.as_str();
        let whole = read(&txn, slug, &terms.etag).await?;
        let draft = part.draft(&whole);
        if find(&*txn, &draft.slug, None).await?.is_some() {
            return Err(Error::SlugTaken(format!("units/{}", draft.slug)));
        }
        check_codes(&txn, &draft.codes, Uuid::nil()).await?;
        let parent = match &draft.parent {
            Some(parent) => Some(find_parent(&txn, parent, "unit.parent").await?.id),
            None => None,
        };
        let now = Timestamp::now().0;
        let unit = Unit {
            id: Uuid::now_v7(),
            parent_id: parent,
            draft,
            closed_on: String::new(),
            successor: String::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let mut timeline = versions::timeline(&*txn, Scope::Since(from)).await?;
        let Some(parent) = parent else {
            return Err(Error::invalid(ErrorReason::RootExists, "unit.parent", "there is one root; name a parent"));
        };
        if let Err(refusal) = timeline.open(unit.id, parent, unit.draft.kind, from, &self.rules) {
            return Err(refused(&txn, &unit, refusal, &self.rules).await?);
        }
        let mut children = Vec::with_capacity(part.children.len());
        for slug in &part.children {
            let child = find(&*txn, slug, None).await?.ok_or_else(|| Error::UnitNotFound(format!("units/{slug}")))?;
            if child.parent_id != Some(whole.id) {
                let wrong = Wrong::new(ErrorReason::NotAChild, "children", "the unit does not stand under it");
                return Err(Error::Invalid(vec![wrong.with("unit", format!("units/{slug}"))]));
            }
            children.push(child);
        }
        self.put_under(&txn, &mut timeline, &mut children, &unit, from).await?;

        let answer = pb::SplitUnitResponse { unit: Some(convert::unit(&unit)), moved: convert::names(&children) };
        if terms.validate_only {
            return Ok(answer);
        }
        finish(&txn, terms.repeat.as_ref(), &answer).await?;
        write::insert(&txn, &[&unit]).await?;
        write::versions(&txn, &[(&unit, from)]).await?;
        write_changed(&txn, &children.iter().collect::<Vec<_>>(), from).await?;
        txn.append(std::iter::once(&unit).chain(&children).map(convert::unit_changed).collect()).await?;
        txn.commit().await?;
        Ok(answer)
    }

    /// Moves the open children of one unit to another.
    async fn take_children(
        &self,
        txn: &WriteTransaction,
        timeline: &mut Timeline,
        of: &Unit,
        to: &Unit,
        from: &str,
    ) -> Result<Vec<Unit>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM v JOIN unit u ON u.id = v.id LEFT JOIN unit p ON p.id = u.parent_id ORDER BY u.slug"
        );
        let rows = Rows::new().uuid("id", timeline.open_children(of.id)).query(&**txn, &sql, &[]).await?;
        let mut children = units(&rows)?;
        self.put_under(txn, timeline, &mut children, to, from).await?;
        Ok(children)
    }

    async fn put_under(
        &self,
        txn: &WriteTransaction,
        timeline: &mut Timeline,
        children: &mut [Unit],
        parent: &Unit,
        from: &str,
    ) -> Result<(), Error> {
        children.sort_unstable_by(|one, other| one.draft.slug.cmp(&other.draft.slug));
        for child in children {
            child.parent_id = Some(parent.id);
            child.draft.parent = Some(parent.draft.slug.clone());
            let step = Step::Place { parent: parent.id, kind: child.draft.kind };
            self.step(txn, timeline, child, step, from).await?;
        }
        Ok(())
    }

    /// One step of one unit, and its next version.
    async fn step(
        &self,
        txn: &WriteTransaction,
        timeline: &mut Timeline,
        unit: &mut Unit,
        step: Step,
        from: &str,
    ) -> Result<(), Error> {
        if let Err(refusal) = timeline.apply(unit.id, step, from, &self.rules) {
            return Err(refused(txn, unit, refusal, &self.rules).await?);
        }
        unit.version += 1;
        unit.updated_at = Timestamp::now().0;
        Ok(())
    }
}

/// The new unit of a split: what it says, and what it takes over when it does not.
#[derive(Debug)]
pub(crate) struct Part {
    /// Right by itself; the kind and the parent may stand in for those of the whole.
    pub(crate) draft: Draft,
    /// Whether the kind is the whole's.
    pub(crate) kind_of_whole: bool,
    /// Slugs of the children that go.
    pub(crate) children: Vec<String>,
}

impl Part {
    fn draft(&self, whole: &Unit) -> Draft {
        let mut draft = self.draft.clone();
        if self.kind_of_whole {
            draft.kind = whole.draft.kind;
        }
        draft.parent = draft.parent.or_else(|| whole.draft.parent.clone());
        draft
    }
}

async fn read(txn: &WriteTransaction, slug: &str, etag: &str) -> Result<Unit, Error> {
    let unit = find(&**txn, slug, None).await?.ok_or_else(|| Error::UnitNotFound(format!("units/{slug}")))?;
    if etag.is_empty() || etag == convert::etag(unit.version) {
        return Ok(unit);
    }
    Err(Error::EtagMismatch(format!("units/{slug}")))
}

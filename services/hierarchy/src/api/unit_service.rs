//! UnitService over gRPC.

use std::pin::Pin;

use futures::Stream;
use prost::Message;
use senani_access::Principal;
use senani_proto::hierarchy::v1::import_units_request::Piece;
use senani_proto::hierarchy::v1::unit_service_server::UnitService;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_store::{Page, PageSize, PageToken};
use tonic::{Request, Response, Status, Streaming};

use super::changes::repeat;
use super::csv;
use crate::convert;
use crate::domain::{check_draft, is_date};
use crate::error::{Error, Wrong};
use crate::store::{Selection, Units, page};

/// Bytes of an imported file at most.
const FILE_BYTES: usize = 64 * 1024 * 1024;

/// Characters of a search at most.
const QUERY: usize = 200;

/// Units in a batch at most.
pub(super) const BATCH: usize = 500;

/// The gRPC face of the register of units.
#[derive(Debug, Clone)]
pub(crate) struct UnitApi {
    pub(super) units: Units,
    /// The cell's time zone, in seconds east of UTC: what day is today.
    zone_seconds: i32,
}

impl UnitApi {
    pub(crate) fn new(units: Units, zone_seconds: i32) -> Self {
        Self { units, zone_seconds }
    }

    pub(super) fn today(&self) -> String {
        let offset = time::UtcOffset::from_whole_seconds(self.zone_seconds).unwrap_or(time::UtcOffset::UTC);
        let date = time::OffsetDateTime::now_utc().to_offset(offset).date();
        format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
    }
}

#[tonic::async_trait]
impl UnitService for UnitApi {
    type ExportUnitsStream = Pin<Box<dyn Stream<Item = Result<pb::ExportUnitsResponse, Status>> + Send>>;
    type StreamSubtreeStream = Pin<Box<dyn Stream<Item = Result<pb::StreamSubtreeResponse, Status>> + Send>>;

    async fn create_unit(&self, request: Request<pb::CreateUnitRequest>) -> Result<Response<pb::Unit>, Status> {
        let principal = Principal::of(&request)?;
        let request = request.into_inner();
        let fingerprint = request.encode_to_vec();
        let repeat = repeat(&principal, "UnitService/CreateUnit", &request.request_id, fingerprint)?;
        let unit = request.unit.ok_or_else(|| Error::invalid(ErrorReason::KindMissing, "unit", "a unit is needed"))?;
        let today = self.today();
        let draft = convert::draft(request.unit_id, unit, &today)?;
        let problems = check_draft(&draft, senani_proto::name::is_slug);
        if !problems.is_empty() {
            let wrong =
                problems.into_iter().map(|problem| Error::of_problem(problem, &convert::path_in_unit)).collect();
            return Err(Error::Invalid(wrong).into());
        }
        Ok(Response::new(self.units.create(draft, &today, repeat, request.validate_only).await?))
    }

    async fn get_unit(&self, request: Request<pb::GetUnitRequest>) -> Result<Response<pb::Unit>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let slug = convert::slug(&request.name, "name")?;
        let unit = self.units.get(&slug, as_of(&request.as_of)?).await?;
        Ok(Response::new(convert::unit(&unit)))
    }

    async fn get_unit_by_code(&self, request: Request<pb::GetUnitByCodeRequest>) -> Result<Response<pb::Unit>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let unit = self.units.by_code(&request.system, &request.code, as_of(&request.as_of)?).await?;
        Ok(Response::new(convert::unit(&unit)))
    }

    async fn export_units(
        &self,
        request: Request<pb::ExportUnitsRequest>,
    ) -> Result<Response<Self::ExportUnitsStream>, Status> {
        Principal::of(&request)?;
        let units = self.units.structure(as_of(&request.into_inner().as_of)?).await?;
        let pieces = csv::write(&units).map_err(Error::from)?;
        let responses = pieces.into_iter().map(|piece| Ok(pb::ExportUnitsResponse { content: piece.into() }));
        Ok(Response::new(Box::pin(futures::stream::iter(responses))))
    }

    async fn batch_get_units(
        &self,
        request: Request<pb::BatchGetUnitsRequest>,
    ) -> Result<Response<pb::BatchGetUnitsResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let names = request.names;
        if names.is_empty() || names.len() > BATCH {
            let what = format!("between 1 and {BATCH} names are needed");
            return Err(Error::invalid(ErrorReason::BatchSizeInvalid, "names", what).into());
        }
        let slugs = names
            .iter()
            .enumerate()
            .map(|(index, name)| convert::slug(name, &format!("names[{index}]")))
            .collect::<Result<Vec<_>, _>>()?;
        let units = self.units.batch_get(&slugs, as_of(&request.as_of)?).await?;
        Ok(Response::new(pb::BatchGetUnitsResponse { units: units.iter().map(convert::unit).collect() }))
    }

    async fn list_units(
        &self,
        request: Request<pb::ListUnitsRequest>,
    ) -> Result<Response<pb::ListUnitsResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let filter = (&request.parent, request.kind, &request.as_of, request.show_closed);
        let after = PageToken::open(&request.page_token, &filter).map_err(Error::from)?;
        let parent = if request.parent.is_empty() { None } else { Some(convert::slug(&request.parent, "parent")?) };
        let selection = Selection {
            parent: parent.as_deref(),
            kind: (request.kind != 0).then_some(request.kind),
            as_of: as_of(&request.as_of)?,
            closed: request.show_closed,
        };
        let found = self.units.list(&selection, after.as_deref(), size).await?;
        let page = page(found, size, &filter);
        Ok(Response::new(pb::ListUnitsResponse { units: page.items, next_page_token: page.next_page_token }))
    }

    async fn list_ancestors(
        &self,
        request: Request<pb::ListAncestorsRequest>,
    ) -> Result<Response<pb::ListAncestorsResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let slug = convert::slug(&request.name, "name")?;
        let units = self.units.ancestors(&slug, as_of(&request.as_of)?).await?;
        Ok(Response::new(pb::ListAncestorsResponse { units: units.iter().map(convert::unit).collect() }))
    }

    async fn stream_subtree(
        &self,
        request: Request<pb::StreamSubtreeRequest>,
    ) -> Result<Response<Self::StreamSubtreeStream>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let slug = convert::slug(&request.name, "name")?;
        let units = self.units.subtree(&slug, as_of(&request.as_of)?, request.show_closed).await?;
        let responses = units
            .into_iter()
            .map(|(unit, depth)| Ok(pb::StreamSubtreeResponse { unit: Some(convert::unit(&unit)), depth }));
        Ok(Response::new(Box::pin(futures::stream::iter(responses))))
    }

    async fn search_units(
        &self,
        request: Request<pb::SearchUnitsRequest>,
    ) -> Result<Response<pb::SearchUnitsResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let long = request.query.chars().count() > QUERY;
        if long || !request.query.chars().any(char::is_alphanumeric) {
            let what = format!("a query has 1 to {QUERY} characters, one of them a letter or digit");
            return Err(Error::invalid(ErrorReason::QueryInvalid, "query", what).into());
        }
        let kind = (request.kind != 0).then_some(request.kind);
        let found = self.units.search(&request.query, kind, request.show_closed, size).await?;
        let matches =
            found.iter().map(|(unit, score)| pb::UnitMatch { unit: Some(convert::unit(unit)), score: *score });
        Ok(Response::new(pb::SearchUnitsResponse { matches: matches.collect() }))
    }

    async fn list_unit_history(
        &self,
        request: Request<pb::ListUnitHistoryRequest>,
    ) -> Result<Response<pb::ListUnitHistoryResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let before = PageToken::open(&request.page_token, &request.name).map_err(Error::from)?;
        let slug = convert::slug(&request.name, "name")?;
        let found = self.units.history(&slug, before.as_deref(), size).await?;
        let page = Page::cut(found, size, &request.name, |version| version.from.clone());
        let versions = page.items.iter().map(convert::version).collect();
        Ok(Response::new(pb::ListUnitHistoryResponse { versions, next_page_token: page.next_page_token }))
    }

    async fn update_unit(&self, request: Request<pb::UpdateUnitRequest>) -> Result<Response<pb::Unit>, Status> {
        self.update(request).await
    }

    async fn move_unit(&self, request: Request<pb::MoveUnitRequest>) -> Result<Response<pb::Unit>, Status> {
        self.r#move(request).await
    }

    async fn change_unit_kind(
        &self,
        request: Request<pb::ChangeUnitKindRequest>,
    ) -> Result<Response<pb::Unit>, Status> {
        self.change_kind(request).await
    }

    async fn close_unit(&self, request: Request<pb::CloseUnitRequest>) -> Result<Response<pb::Unit>, Status> {
        self.close(request).await
    }

    async fn reopen_unit(&self, request: Request<pb::ReopenUnitRequest>) -> Result<Response<pb::Unit>, Status> {
        self.reopen(request).await
    }

    async fn merge_units(
        &self,
        request: Request<pb::MergeUnitsRequest>,
    ) -> Result<Response<pb::MergeUnitsResponse>, Status> {
        self.merge(request).await
    }

    async fn split_unit(
        &self,
        request: Request<pb::SplitUnitRequest>,
    ) -> Result<Response<pb::SplitUnitResponse>, Status> {
        self.split(request).await
    }

    async fn import_units(
        &self,
        request: Request<Streaming<pb::ImportUnitsRequest>>,
    ) -> Result<Response<pb::ImportUnitsResponse>, Status> {
        Principal::of(&request)?;
        let mut pieces = request.into_inner();
        let out_of_order = |what: &str| Error::invalid(ErrorReason::StreamOutOfOrder, "piece", what);
        let first = next(&mut pieces).await?;
        let Some(Piece::Options(options)) = first else {
            return Err(out_of_order("the first message carries the options").into());
        };
        let mut file = Vec::new();
        while let Some(piece) = next(&mut pieces).await? {
            let Piece::Content(content) = piece else {
                return Err(out_of_order("the options come once").into());
            };
            if file.len() + content.len() > FILE_BYTES {
                let wrong = Wrong::new(ErrorReason::CsvTooLarge, "content", "the file is over 64 MiB");
                return Err(Error::Invalid(vec![wrong]).into());
            }
            file.extend_from_slice(&content);
        }
        let rows = csv::parse(&file)?;
        drop(file);
        let import = self.units.import(&rows, &self.today(), options.validate_only).await?;
        Ok(Response::new(convert::import(&import)))
    }
}

/// The day that is asked about; `None` for now.
pub(super) fn as_of(date: &str) -> Result<Option<&str>, Error> {
    if date.is_empty() {
        Ok(None)
    } else if is_date(date) {
        Ok(Some(date))
    } else {
        Err(Error::invalid(ErrorReason::DateInvalid, "as_of", "a date is a day as YYYY-MM-DD"))
    }
}

async fn next(pieces: &mut Streaming<pb::ImportUnitsRequest>) -> Result<Option<Piece>, Error> {
    let message = pieces.message().await.map_err(|status| Error::Stream(Box::new(status)))?;
    match message {
        Some(pb::ImportUnitsRequest { piece: Some(piece) }) => Ok(Some(piece)),
        Some(_) => Err(Error::invalid(ErrorReason::StreamOutOfOrder, "piece", "a message is empty")),
        None => Ok(None),
    }
}

//! NoticeService over gRPC.

use senani_proto::membership::v1::notice_service_server::NoticeService;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::{NoticeName, is_slug};
use senani_store::{Page, PageError, PageSize, PageToken, Timestamp};
use tonic::{Request, Response, Status};

use super::{Cell, open, repeat};
use crate::convert;
use crate::domain::{Notice, NoticeFault, Purpose};
use crate::error::{Error, Wrong};
use crate::store::Registry;

/// The gRPC face of the notices.
#[derive(Debug)]
pub(crate) struct NoticeApi {
    registry: Registry,
    cell: Cell,
}

impl NoticeApi {
    pub(crate) fn new(registry: Registry, cell: Cell) -> Self {
        Self { registry, cell }
    }

    fn read(&self, request: pb::PublishNoticeRequest, publisher: &str) -> Result<Notice, Error> {
        let wire = request.notice.unwrap_or_default();
        let mut wrong = Vec::new();
        if !is_slug(&request.notice_id) {
            let what = "must have 3 to 63 characters of a–z, 0–9 and single hyphens";
            wrong.push(Wrong::new(ErrorReason::SlugInvalid, "notice_id", what));
        }
        let effective_date = if wire.effective_date.is_empty() {
            Some(self.cell.today())
        } else {
            convert::date(&wire.effective_date, "notice.effective_date", &mut wrong)
        };
        let mut purposes = Vec::new();
        for (index, number) in wire.purposes.iter().enumerate() {
            match Purpose::from_number(*number) {
                Some(purpose) if !purposes.contains(&purpose) => purposes.push(purpose),
                Some(_) => {}
                None => {
                    let field = format!("notice.purposes[{index}]");
                    wrong.push(Wrong::new(ErrorReason::NoticeInvalid, field, "names no purpose"));
                }
            }
        }
        let notice = Notice {
            slug: request.notice_id,
            titles: wire.titles,
            texts: wire.texts,
            purposes,
            effective_date: effective_date.unwrap_or_else(|| self.cell.today()),
            publisher: publisher.to_owned(),
            created_at: Timestamp::now().0,
        };
        wrong.extend(notice.faults().into_iter().map(fault));
        if wrong.is_empty() { Ok(notice) } else { Err(Error::Invalid(wrong)) }
    }
}

fn fault(fault: NoticeFault) -> Wrong {
    let invalid = ErrorReason::NoticeInvalid;
    let (reason, field, what) = match fault {
        NoticeFault::TitleMissingInHindi => {
            (ErrorReason::TitleMissingInHindi, "notice.titles", "needs a title in Hindi")
        }
        NoticeFault::TextMissing => {
            (ErrorReason::NoticeTextMissing, "notice.texts", "needs a text in Hindi and one in English")
        }
        NoticeFault::Titles => {
            (invalid, "notice.titles", "each is in a language of the cell and has at most 500 characters")
        }
        NoticeFault::Texts => {
            (invalid, "notice.texts", "each is in a language of the cell and has at most 20,000 characters")
        }
        NoticeFault::Purposes => (invalid, "notice.purposes", "needs at least one"),
    };
    Wrong::new(reason, field, what)
}

#[tonic::async_trait]
impl NoticeService for NoticeApi {
    async fn publish_notice(&self, request: Request<pb::PublishNoticeRequest>) -> Result<Response<pb::Notice>, Status> {
        let (principal, request) = open(request)?;
        let repeat = repeat(&principal, "NoticeService/PublishNotice", &request.request_id, &request)?;
        let notice = self.read(request, principal.subject())?;
        Ok(Response::new(self.registry.publish_notice(&notice, repeat.as_ref()).await?))
    }

    async fn get_notice(&self, request: Request<pb::GetNoticeRequest>) -> Result<Response<pb::Notice>, Status> {
        let (_, request) = open(request)?;
        let name: NoticeName = convert::name(&request.name, "name")?;
        Ok(Response::new(convert::notice(&self.registry.notice(name.slug()).await?)))
    }

    async fn list_notices(
        &self,
        request: Request<pb::ListNoticesRequest>,
    ) -> Result<Response<pb::ListNoticesResponse>, Status> {
        let (_, request) = open(request)?;
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let after = PageToken::open(&request.page_token, &"notices").map_err(Error::from)?;
        let after = match after {
            Some(key) => {
                let (date, slug) = key.split_once('/').ok_or(Error::from(PageError::Token))?;
                Some((date.to_owned(), slug.to_owned()))
            }
            None => None,
        };
        let found = self.registry.list_notices(after, size).await?;
        let key = |notice: &Notice| format!("{}/{}", notice.effective_date, notice.slug);
        let page = Page::cut(found, size, &"notices", key);
        Ok(Response::new(pb::ListNoticesResponse {
            notices: page.items.iter().map(convert::notice).collect(),
            next_page_token: page.next_page_token,
        }))
    }
}

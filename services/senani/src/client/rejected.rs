//! `senani rejected`.

use senani_client::Channel;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_proto::membership::v1::{ListRejectedRowsRequest, RejectedRow, RowRejection};

use super::{connect, told};
use crate::cli::Door;

/// Rows in a page; the most that the service gives.
const PAGE: i32 = 500;

/// Prints the rejected rows of an import as CSV.
pub(crate) async fn show(import: &str, door: &Door) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
    writer.write_record(["line", "column", "reason"])?;
    let mut pages = Pages::new(connect(door)?, import);
    while let Some(rows) = pages.next().await? {
        for row in rows {
            writer.write_record([row.line.to_string().as_str(), &row.column, reason(&row)])?;
        }
    }
    writer.flush()?;
    Ok(())
}

/// Why a row was rejected, without the prefix of the contract.
pub(crate) fn reason(row: &RejectedRow) -> &'static str {
    let name = RowRejection::try_from(row.reason).unwrap_or_default().as_str_name();
    name.strip_prefix("ROW_REJECTION_").unwrap_or(name)
}

/// The rejected rows of an import, page by page.
pub(crate) struct Pages {
    client: MemberServiceClient<Channel>,
    request: Option<ListRejectedRowsRequest>,
}

impl Pages {
    pub(crate) fn new(channel: Channel, import: &str) -> Self {
        let request = ListRejectedRowsRequest { name: import.to_owned(), page_size: PAGE, page_token: String::new() };
        Self { client: MemberServiceClient::new(channel), request: Some(request) }
    }

    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<RejectedRow>>> {
        let Some(request) = self.request.take() else { return Ok(None) };
        let response = self.client.list_rejected_rows(request.clone()).await;
        let page = response.map_err(|status| told(&status))?.into_inner();
        if !page.next_page_token.is_empty() {
            self.request = Some(ListRejectedRowsRequest { page_token: page.next_page_token, ..request });
        }
        Ok(Some(page.rows))
    }
}

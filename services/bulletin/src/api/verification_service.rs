//! `senani.bulletin.v1.VerificationService`: for anybody.

use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::verification_service_server::VerificationService;
use senani_store::{Store, Timestamp};
use senani_unit_replica::UnitReplica;
use tonic::{Request, Response, Status};

use crate::domain::code::Code;
use crate::domain::verification::{Signed, Standing};
use crate::error::Error;
use crate::store::verifications;

/// What a code stands for.
#[derive(Debug)]
pub(crate) struct VerificationApi {
    pub(crate) store: Store,
    pub(crate) units: UnitReplica,
}

#[tonic::async_trait]
impl VerificationService for VerificationApi {
    async fn verify(&self, request: Request<pb::VerifyRequest>) -> Result<Response<pb::VerifyResponse>, Status> {
        let code = Code::parse(&request.into_inner().code).ok_or(Error::CodeInvalid)?;
        let found = verifications::by_code(self.store.reader(), code).await.map_err(Error::from)?;
        Ok(Response::new(match found {
            Some(signed) => answer(&signed, &self.units),
            None => pb::VerifyResponse {
                standing: Standing::Unknown.code(),
                code: code.to_string(),
                ..pb::VerifyResponse::default()
            },
        }))
    }
}

fn answer(signed: &Signed, units: &UnitReplica) -> pb::VerifyResponse {
    let bulletin = &signed.bulletin;
    let names = units
        .tree()
        .by_id(bulletin.issuing_unit.id)
        .map(|unit| unit.names().map(|(language, name)| (language.to_owned(), name.to_owned())).collect());
    let standing = Standing::of(&signed.fate, Timestamp::now().0);
    // Of what is withdrawn the headline is not repeated: it may name somebody.
    let headlines = if standing == Standing::Withdrawn { Default::default() } else { bulletin.headlines.clone() };
    let by = signed.fate.corrected_by.as_ref();
    pb::VerifyResponse {
        standing: standing.code(),
        code: signed.code.to_string(),
        number: bulletin.number.clone(),
        headlines: headlines.into_iter().collect(),
        issuing_unit: format!("units/{}", bulletin.issuing_unit.slug),
        issuing_unit_display_names: names.unwrap_or_default(),
        approve_time: Timestamp(bulletin.approved_at).to_proto(),
        publish_time: Timestamp(bulletin.published_at).to_proto(),
        poster_sha256: bulletin.poster.as_ref().map_or(String::new(), |poster| poster.sha256.clone()),
        corrected_by_number: by.map_or(String::new(), |by| by.number.clone()),
        corrected_by_code: by.map_or(String::new(), |by| by.code.to_string()),
        exercise: signed.fate.exercise,
        signed_text: signed.text(),
        signature: signed.signature.clone().into(),
        key_id: signed.key_id.clone(),
    }
}

//! One file per gRPC service: parse, authorise, call, answer. No SQL, no rules.

mod bulletin_service;
mod delivery_service;
mod duty_service;
mod parse;
mod poster_stream;
mod progress;
mod public_page_service;
mod report_evidence;
mod report_intake;
mod report_requests;
mod report_service;
mod rumours;
mod task_service;
mod verification_service;

pub(crate) use bulletin_service::{BulletinApi, PosterLimits};
pub(crate) use delivery_service::{BODY_BYTES, DeliveryApi};
pub(crate) use duty_service::DutyApi;
pub(crate) use public_page_service::{POSTERS_AT_ONCE, PublicPageApi};
pub(crate) use report_service::ReportApi;
pub(crate) use task_service::TaskApi;
pub(crate) use verification_service::VerificationApi;

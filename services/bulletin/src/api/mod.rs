//! One file per gRPC service: parse, authorise, call, answer. No SQL, no rules.

mod bulletin_service;
mod delivery_service;
mod parse;
mod poster_stream;
mod progress;
mod task_service;

pub(crate) use bulletin_service::{BulletinApi, PosterLimits};
pub(crate) use delivery_service::{BODY_BYTES, DeliveryApi};
pub(crate) use task_service::TaskApi;

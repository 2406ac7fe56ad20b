//! Documented errors and how they are written.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

/// One error of the API, before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: u32,
    subcode: Option<u32>,
    details: String,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    message: String,
    r#type: &'static str,
    code: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_data: Option<ErrorDetails<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_subcode: Option<u32>,
    fbtrace_id: String,
}

#[derive(Serialize)]
struct ErrorDetails<'a> {
    messaging_product: &'static str,
    details: &'a str,
}

/// The provider's own title of a code.
pub(crate) fn title(code: u32) -> &'static str {
    match code {
        100 => "Invalid parameter",
        190 => "Invalid OAuth access token - Cannot parse access token",
        2500 => "Unknown path components",
        130_429 => "Rate limit hit",
        130_472 => "User's number is part of an experiment",
        131_000 => "Something went wrong",
        131_008 => "Required parameter is missing",
        131_009 => "Parameter value is not valid",
        131_016 => "Service unavailable",
        131_021 => "Recipient cannot be sender",
        131_026 => "Message undeliverable",
        131_030 => "Recipient phone number not in allowed list",
        131_047 => "Re-engagement message",
        131_049 => "This message was not delivered to maintain healthy ecosystem engagement",
        131_050 => "User has stopped receiving marketing messages from this business",
        131_051 => "Unsupported message type",
        131_052 => "Media download error",
        131_053 => "Media upload error",
        132_001 => "Template name does not exist in the translation",
        132_005 => "Translated text too long",
        _ => "Message failed to send",
    }
}

impl Refusal {
    fn new(status: StatusCode, code: u32, details: impl Into<String>) -> Self {
        Self { status, code, subcode: None, details: details.into() }
    }

    /// The code on which clients branch.
    pub(crate) fn code(&self) -> u32 {
        self.code
    }

    /// 190: no bearer token, or not ours.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 190, "the access token is missing or not valid")
    }

    /// 100 with subcode 33: no such sender, media or method on it.
    pub(crate) fn no_such_object() -> Self {
        Self {
            subcode: Some(33),
            ..Self::new(StatusCode::BAD_REQUEST, 100, "the object does not exist or does not support this operation")
        }
    }

    /// 2500: a path that the API does not know.
    pub(crate) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, 2_500, "the path is not one of this API")
    }

    /// 100: the request has not the documented shape.
    pub(crate) fn invalid(details: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 100, details)
    }

    /// 131008: a required member is missing.
    pub(crate) fn missing(member: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 131_008, format!("parameter {member} is required"))
    }

    /// 131009: a member is there, but its value is not valid.
    pub(crate) fn bad_value(details: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 131_009, details)
    }

    /// 131030: the simulator sends to exercise numbers only.
    pub(crate) fn not_an_exercise_number() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            131_030,
            "the simulator accepts only exercise numbers: 91 and ten digits that begin with 10",
        )
    }

    /// 131051: a type of message that is not simulated.
    pub(crate) fn unsupported_type() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 131_051, "supported types: text, image, template")
    }

    /// 131053: media that cannot be used.
    pub(crate) fn media(details: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 131_053, details)
    }

    /// 132001: no template can have this name or language.
    pub(crate) fn no_such_template(details: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, 132_001, details)
    }

    /// 132005: the filled-in body is too long.
    pub(crate) fn template_too_long() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 132_005, "the texts of the body are longer than 1024 characters")
    }

    /// 130429, with HTTP 429.
    pub(crate) fn rate_limited() -> Self {
        Self {
            subcode: Some(2_494_055),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, 130_429, "Cloud API message throughput has been reached.")
        }
    }

    /// 131016, with HTTP 503.
    pub(crate) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, 131_016, "a service is temporarily unavailable")
    }

    /// 131000, with HTTP 500.
    pub(crate) fn server_error() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, 131_000, "the message failed to send for an unknown reason")
    }

    /// Status and body of the answer to the request with this number.
    pub(crate) fn write(&self, request: u64) -> (StatusCode, Bytes) {
        let envelope = Envelope {
            error: ErrorBody {
                message: format!("(#{}) {}", self.code, title(self.code)),
                r#type: "OAuthException",
                code: self.code,
                error_data: Some(ErrorDetails { messaging_product: "whatsapp", details: &self.details }),
                error_subcode: self.subcode,
                fbtrace_id: format!("A{request:016x}"),
            },
        };
        let body = serde_json::to_vec(&envelope).expect("strings and numbers always serialise");
        (self.status, body.into())
    }
}

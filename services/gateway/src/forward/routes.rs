//! Which service has a method, and whether strangers may call it: read from the contracts, so that a new method needs no
//! line here.
//!
//! A method is public when it says how it looks in HTTP (`google.api.http`). A method that takes a stream cannot say so; it
//! is public when another method of its service is. All others are for our own services: whole services without any such
//! method (the event logs, audiences), and single methods without one (`IngestReceipts`).

use std::collections::HashMap;

use prost::Message;

use crate::error::Refusal;

/// Methods that need no identity: what a citizen asks.
const FOR_ANYBODY: [&str; 1] = ["/senani.bulletin.v1.VerificationService/Verify"];

/// Whether strangers may call the method at this path.
pub(crate) fn is_for_anybody(path: &str) -> bool {
    FOR_ANYBODY.contains(&path)
}

/// Every method of the contracts.
#[derive(Debug)]
pub(crate) struct Routes {
    methods: HashMap<String, Method>,
    public_services: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Method {
    Public(Route),
    Internal,
}

/// Where a public method is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// Index of its service process in the list that the routes were made with.
    pub(crate) upstream: usize,
    /// One message, one answer.
    pub(crate) unary: bool,
}

impl Routes {
    /// The routes of the contracts in an encoded descriptor set, where package `senani.<name>.…` is served by the process
    /// of that name.
    ///
    /// # Errors
    /// The bytes are no descriptor set.
    pub(crate) fn read(descriptors: &[u8], upstreams: &[&str]) -> Result<Self, prost::DecodeError> {
        let mut methods = HashMap::new();
        let mut public_services = Vec::new();
        for file in Files::decode(descriptors)?.file {
            let upstream = upstreams.iter().position(|name| file.package.split('.').nth(1) == Some(name));
            for service in file.service {
                let name = format!("{}.{}", file.package, service.name);
                let public = upstream.filter(|_| service.method.iter().any(Described::has_http));
                for method in &service.method {
                    let unary = !method.takes_stream && !method.answers_stream;
                    let access = match public.filter(|_| method.has_http() || method.takes_stream) {
                        Some(upstream) => Method::Public(Route { upstream, unary }),
                        None => Method::Internal,
                    };
                    methods.insert(format!("/{name}/{}", method.name), access);
                }
                if public.is_some() {
                    public_services.push(name);
                }
            }
        }
        Ok(Self { methods, public_services })
    }

    /// Where the method at this path is served.
    ///
    /// # Errors
    /// Nowhere, or not for strangers.
    pub(crate) fn find(&self, path: &str) -> Result<Route, Refusal> {
        match self.methods.get(path) {
            Some(Method::Public(route)) => Ok(*route),
            Some(Method::Internal) => Err(Refusal::MethodInternal),
            None => Err(Refusal::MethodUnknown),
        }
    }

    /// Full names of the services that have a public method.
    pub(crate) fn public_services(&self) -> impl Iterator<Item = &str> {
        self.public_services.iter().map(String::as_str)
    }
}

// The part of `google.protobuf.FileDescriptorSet` that routes need. The whole of it in `prost-types` would drop the
// extension `google.api.http`.

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(message, repeated, tag = "1")]
    file: Vec<File>,
}

#[derive(Clone, PartialEq, Message)]
struct File {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "6")]
    service: Vec<Service>,
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    method: Vec<Described>,
}

#[derive(Clone, PartialEq, Message)]
struct Described {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "4")]
    options: Option<Options>,
    #[prost(bool, tag = "5")]
    takes_stream: bool,
    #[prost(bool, tag = "6")]
    answers_stream: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Options {
    /// `google.api.http`, undecoded: all that counts is that it is there.
    #[prost(bytes = "vec", optional, tag = "72295728")]
    http: Option<Vec<u8>>,
}

impl Described {
    fn has_http(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.http.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPSTREAMS: [&str; 4] = ["hierarchy", "membership", "bulletin", "analytics"];

    fn routes() -> Routes {
        Routes::read(senani_proto::FILE_DESCRIPTOR_SET, &UPSTREAMS).unwrap()
    }

    #[test]
    fn a_package_leads_to_the_process_of_its_name() {
        let routes = routes();
        for (path, upstream, unary) in [
            ("/senani.hierarchy.v1.UnitService/GetUnit", 0, true),
            ("/senani.hierarchy.v1.UnitService/StreamSubtree", 0, false),
            ("/senani.membership.v1.MemberService/ImportMembers", 1, false),
            ("/senani.bulletin.v1.BulletinService/AttachPoster", 2, false),
            ("/senani.analytics.v1.CoverageService/GetCoverage", 3, true),
        ] {
            assert_eq!(routes.find(path), Ok(Route { upstream, unary }), "{path}");
        }
    }

    /// Whoever adds a method without `google.api.http` sees here which side of the door it is on.
    #[test]
    fn only_these_methods_are_internal() {
        let routes = routes();
        let mut internal: Vec<&str> = routes
            .methods
            .iter()
            .filter(|(_, method)| matches!(method, Method::Internal))
            .map(|(path, _)| path.as_str())
            .collect();
        internal.sort_unstable();
        assert_eq!(
            internal,
            [
                "/senani.bulletin.v1.DeliveryService/IngestReceipts",
                "/senani.bulletin.v1.DutyService/ListDuties",
                "/senani.bulletin.v1.PublicPageService/GetPage",
                "/senani.eventlog.v1.EventLogService/Snapshot",
                "/senani.eventlog.v1.EventLogService/Subscribe",
                "/senani.membership.v1.AudienceService/OpenAddresses",
                "/senani.membership.v1.AudienceService/ResolveAudience",
                "/senani.membership.v1.CustodyService/ListHeldGroups",
                "/senani.membership.v1.SenderService/IdentifySender",
            ]
        );
        assert!(routes.public_services().all(|name| !name.contains("EventLog") && !name.contains("Audience")));
        assert!(routes.public_services().any(|name| name == "senani.bulletin.v1.DeliveryService"));
    }

    #[test]
    fn what_anybody_may_call_is_public_and_takes_no_stream() {
        let routes = routes();
        for path in FOR_ANYBODY {
            assert!(routes.find(path).is_ok_and(|route| route.unary), "{path}");
        }
        assert!(!is_for_anybody("/senani.bulletin.v1.BulletinService/GetBulletin"));
    }

    #[test]
    fn only_what_the_contracts_name_is_known() {
        let routes = routes();
        for path in [
            "",
            "/",
            "/senani.hierarchy.v1.UnitService",
            "/senani.hierarchy.v1.UnitService/getunit",
            "/senani.hierarchy.v1.UnitService/GetUnit/",
            "//senani.hierarchy.v1.UnitService/GetUnit",
            "/senani.hierarchy.v2.UnitService/GetUnit",
        ] {
            assert_eq!(routes.find(path), Err(Refusal::MethodUnknown), "{path}");
        }
    }
}

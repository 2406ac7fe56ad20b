//! What the contracts say about single methods.

use std::{collections::HashMap, sync::LazyLock};

use prost::Message as _;
use prost_types::FileDescriptorSet;

/// Each path of our contracts, and whether its method is unary.
static METHODS: LazyLock<HashMap<String, bool>> = LazyLock::new(methods);

/// Whether the method at this path (`/senani.hierarchy.v1.UnitService/GetUnit`) is in our contracts.
pub fn is_known(path: &str) -> bool {
    METHODS.contains_key(path)
}

/// Whether the method at this path is in our contracts and takes one message and answers one. False for streams and for
/// methods of others.
pub fn is_unary(path: &str) -> bool {
    METHODS.get(path).copied().unwrap_or(false)
}

fn methods() -> HashMap<String, bool> {
    let set = FileDescriptorSet::decode(crate::FILE_DESCRIPTOR_SET).expect("the build wrote a valid descriptor set");
    let mut paths = HashMap::new();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                paths.insert(path, !method.client_streaming() && !method.server_streaming());
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unary_methods_are_told_from_streams_and_strangers() {
        assert!(is_unary("/senani.hierarchy.v1.UnitService/GetUnit"));
        let feed = "/senani.eventlog.v1.EventLogService/Subscribe";
        assert!(is_known(feed) && !is_unary(feed));
        assert!(!is_known("/grpc.health.v1.Health/Check"));
        assert!(!is_unary("/grpc.health.v1.Health/Check"));
    }
}

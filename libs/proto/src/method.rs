//! What the contracts say about single methods.

use std::{collections::HashSet, sync::LazyLock};

use prost::Message as _;
use prost_types::FileDescriptorSet;

/// Whether the method at this path (`/senani.hierarchy.v1.UnitService/GetUnit`) is in our contracts and takes one message
/// and answers one. False for streams and for methods of others.
pub fn is_unary(path: &str) -> bool {
    static UNARY: LazyLock<HashSet<String>> = LazyLock::new(unary_paths);
    UNARY.contains(path)
}

fn unary_paths() -> HashSet<String> {
    let set = FileDescriptorSet::decode(crate::FILE_DESCRIPTOR_SET).expect("the build wrote a valid descriptor set");
    let mut paths = HashSet::new();
    for file in &set.file {
        for service in &file.service {
            let unary = service.method.iter().filter(|method| !method.client_streaming() && !method.server_streaming());
            paths.extend(unary.map(|method| format!("/{}.{}/{}", file.package(), service.name(), method.name())));
        }
    }
    paths
}

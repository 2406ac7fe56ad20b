//! Health and reflection, which every server has.

use std::collections::BTreeSet;

use tonic_reflection::server::{Builder, Error};

/// What both versions of the reflection service tell about: the given services, health, and reflection itself.
pub(crate) fn builder<'names>(names: impl IntoIterator<Item = &'names str>) -> Builder<'static> {
    let mut builder = Builder::configure()
        .register_encoded_file_descriptor_set(senani_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    for name in names.into_iter().collect::<BTreeSet<_>>() {
        builder = builder.with_service_name(name);
    }
    builder
}

pub(crate) type ReflectionError = Error;

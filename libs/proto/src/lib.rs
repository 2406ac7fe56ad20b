//! The contracts in Rust: generated code and the descriptor set. The sources, with the reference in their comments, are in
//! `proto/` at the top of the repository.

/// Every contract with its options and comments, as an encoded `google.protobuf.FileDescriptorSet`: for reflection and for the
/// gateway's routes.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));

macro_rules! package {
    ($module:ident, $name:literal, $doc:literal $(, $extra:item)?) => {
        #[doc = $doc]
        pub mod $module {
            $($extra)?
            #[doc = $doc]
            #[allow(clippy::all, missing_docs, missing_debug_implementations, unreachable_pub, rustdoc::all)]
            pub mod v1 {
                tonic::include_proto!($name);
            }
        }
    };
}

package!(hierarchy, "senani.hierarchy.v1", "Units of the police structure.");
package!(membership, "senani.membership.v1", "Orders, groups and members.");
package!(bulletin, "senani.bulletin.v1", "Bulletins, posting tasks and deliveries.");
package!(analytics, "senani.analytics.v1", "Coverage and reach.");
package!(eventlog, "senani.eventlog.v1", "The feed between services.", pub use crate::event_cursor as cursor;);

pub mod event_cursor;
pub mod method;
pub mod name;

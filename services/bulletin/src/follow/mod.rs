//! Sinks for other services' events: groups from membership. (Units come through `senani_unit_replica`.)

mod groups;

pub(crate) use groups::GroupSink;

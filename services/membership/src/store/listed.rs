//! Conditions on one of many ids.

use std::fmt::Write as _;

use sea_orm::sea_query::ArrayType;
use sea_orm::{DbBackend, Value};
use uuid::Uuid;

/// The condition that `column` is one of `ids`, whose values are added to `parameters`: one array on PostgreSQL, one parameter each on
/// SQLite, where there may be 32,766 in a statement.
pub(super) fn is_one_of(backend: DbBackend, column: &str, ids: &[Uuid], parameters: &mut Vec<Value>) -> String {
    if ids.is_empty() {
        return "1 = 0".to_owned();
    }
    if backend == DbBackend::Postgres {
        let values = ids.iter().map(|id| Value::from(*id)).collect();
        parameters.push(Value::Array(ArrayType::Uuid, Some(Box::new(values))));
        return format!("{column} = ANY(${})", parameters.len());
    }
    let mut condition = format!("{column} IN (");
    for (index, id) in ids.iter().enumerate() {
        parameters.push((*id).into());
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(condition, "{comma}${}", parameters.len());
    }
    condition.push(')');
    condition
}

//! Texts by language in one column.

use std::collections::BTreeMap;

use sea_orm::DbErr;

/// A JSON object.
pub(super) fn to_json(map: &BTreeMap<String, String>) -> String {
    serde_json::Value::from_iter(map.iter().map(|(key, value)| (key.clone(), value.clone()))).to_string()
}

pub(super) fn from_json(text: &str) -> Result<BTreeMap<String, String>, DbErr> {
    serde_json::from_str(text).map_err(|error| DbErr::Json(error.to_string()))
}

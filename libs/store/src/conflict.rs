//! When one transaction gives way to another.

use sea_orm::{DbErr, RuntimeErr};

/// What PostgreSQL says of a transaction that it rolled back so that others could go on: serialization failure and deadlock
/// (PostgreSQL manual, appendix A, class 40).
const GAVE_WAY: [&str; 2] = ["40001", "40P01"];

/// Whether the database rolled the transaction back because another was in its way: nothing was changed, and the same again may succeed.
/// SQLite has one writer, so that it never does.
#[must_use]
pub fn gave_way(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))
    | DbErr::Conn(RuntimeErr::SqlxError(source))) = error
    else {
        return false;
    };
    let code = source.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| GAVE_WAY.contains(&code.as_ref()))
}

//! Many rows in one statement, on both engines.

use std::fmt::Write as _;

use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

/// Rows as a table `v` that the rest of a statement reads. On PostgreSQL each column is one array parameter (`UNNEST`), on SQLite the
/// rows are `VALUES`, split into statements of at most 500 rows; the rest of the statement is the same text on both.
///
/// ```ignore
/// Rows::new()
///     .uuid("id", ids)
///     .text("name", names)
///     .execute(&txn, "INSERT INTO unit (id, name, created_at) SELECT v.id, v.name, :1 FROM v", &[now.0.into()])
///     .await?;
/// ```
///
/// `:1`, `:2` … stand for `parameters`. There are no NULLs: use an empty value and `NULLIF`.
#[derive(Debug, Default)]
pub struct Rows {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: &'static str,
    sql_type: &'static str,
    array_type: ArrayType,
    values: Vec<Value>,
}

/// Rows in one statement on SQLite: few enough for its limit of 32,766 parameters, one text for its statement cache.
const SQLITE_ROWS: usize = 500;

impl Rows {
    /// No columns yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A column of UUIDs.
    #[must_use]
    pub fn uuid(self, name: &'static str, values: impl IntoIterator<Item = Uuid>) -> Self {
        self.column(name, "uuid", ArrayType::Uuid, values.into_iter().map(Value::from))
    }

    /// A column of texts.
    #[must_use]
    pub fn text<T: Into<String>>(self, name: &'static str, values: impl IntoIterator<Item = T>) -> Self {
        self.column(name, "text", ArrayType::String, values.into_iter().map(|value| Value::from(value.into())))
    }

    /// A column of byte strings.
    #[must_use]
    pub fn bytes(self, name: &'static str, values: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.column(name, "bytea", ArrayType::Bytes, values.into_iter().map(Value::from))
    }

    /// A column of BIGINTs: counts and times.
    #[must_use]
    pub fn big_int(self, name: &'static str, values: impl IntoIterator<Item = i64>) -> Self {
        self.column(name, "bigint", ArrayType::BigInt, values.into_iter().map(Value::from))
    }

    /// A column of INTEGERs: codes.
    #[must_use]
    pub fn int(self, name: &'static str, values: impl IntoIterator<Item = i32>) -> Self {
        self.column(name, "integer", ArrayType::Int, values.into_iter().map(Value::from))
    }

    /// A column of booleans.
    #[must_use]
    pub fn boolean(self, name: &'static str, values: impl IntoIterator<Item = bool>) -> Self {
        self.column(name, "boolean", ArrayType::Bool, values.into_iter().map(Value::from))
    }

    fn column(
        mut self,
        name: &'static str,
        sql_type: &'static str,
        array_type: ArrayType,
        values: impl Iterator<Item = Value>,
    ) -> Self {
        let values: Vec<Value> = values.collect();
        assert!(
            self.columns.first().is_none_or(|first| first.values.len() == values.len()),
            "columns of one table must be equally long"
        );
        self.columns.push(Column { name, sql_type, array_type, values });
        self
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs the statement; the rows affected, together.
    ///
    /// # Errors
    /// The database's.
    pub async fn execute(self, db: &impl ConnectionTrait, rest: &str, parameters: &[Value]) -> Result<u64, DbErr> {
        let mut affected = 0;
        for statement in self.statements(db.get_database_backend(), rest, parameters) {
            affected += db.execute_raw(statement).await?.rows_affected();
        }
        Ok(affected)
    }

    /// Runs the statement; the rows that it answers, together (`RETURNING` or a query that joins `v`).
    ///
    /// # Errors
    /// The database's.
    pub async fn query(
        self,
        db: &impl ConnectionTrait,
        rest: &str,
        parameters: &[Value],
    ) -> Result<Vec<QueryResult>, DbErr> {
        let mut results = Vec::new();
        for statement in self.statements(db.get_database_backend(), rest, parameters) {
            results.append(&mut db.query_all_raw(statement).await?);
        }
        Ok(results)
    }

    fn statements(self, backend: DbBackend, rest: &str, parameters: &[Value]) -> Vec<Statement> {
        if self.is_empty() {
            return Vec::new();
        }
        match backend {
            DbBackend::Postgres => vec![self.unnest(rest, parameters)],
            _ => self.values(rest, parameters),
        }
    }

    fn unnest(self, rest: &str, parameters: &[Value]) -> Statement {
        let mut sql = format!("WITH v({}) AS (SELECT * FROM UNNEST(", self.names());
        for (index, column) in self.columns.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(sql, "{comma}${}::{}[]", index + 1, column.sql_type);
        }
        sql.push_str(")) ");
        let first = self.columns.len() + 1;
        sql.push_str(&numbered(rest, parameters.len(), |index| format!("${}", first + index)));
        let mut values: Vec<Value> = Vec::with_capacity(self.columns.len() + parameters.len());
        values.extend(
            self.columns.into_iter().map(|column| Value::Array(column.array_type, Some(Box::new(column.values)))),
        );
        values.extend_from_slice(parameters);
        Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
    }

    fn values(self, rest: &str, parameters: &[Value]) -> Vec<Statement> {
        let (names, width, length) = (self.names(), self.columns.len(), self.len());
        let mut columns: Vec<_> = self.columns.into_iter().map(|column| column.values.into_iter()).collect();
        let mut statements = Vec::with_capacity(length.div_ceil(SQLITE_ROWS));
        let row = format!("({})", vec!["?"; width].join(","));
        for start in (0..length).step_by(SQLITE_ROWS) {
            let count = SQLITE_ROWS.min(length - start);
            let mut sql = format!("WITH v({names}) AS (VALUES {}) ", vec![row.as_str(); count].join(","));
            sql.push_str(&numbered(rest, parameters.len(), |index| format!("?{}", count * width + index + 1)));
            let mut values = Vec::with_capacity(count * width + parameters.len());
            for _ in 0..count {
                values.extend(columns.iter_mut().filter_map(Iterator::next));
            }
            values.extend_from_slice(parameters);
            statements.push(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values));
        }
        statements
    }

    fn names(&self) -> String {
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(",")
    }
}

/// Replaces `:1` … `:count`, the last first so that `:1` does not eat the beginning of `:10`.
fn numbered(sql: &str, count: usize, placeholder: impl Fn(usize) -> String) -> String {
    (0..count).rev().fold(sql.to_owned(), |sql, index| sql.replace(&format!(":{}", index + 1), &placeholder(index)))
}

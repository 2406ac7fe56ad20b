//! Everything that a service has in its database, as text.

use sea_orm::{DatabaseConnection, DbBackend};

use crate::recount::{get, rows};

/// Every row of every table, byte strings in hexadecimal, all in small letters.
///
/// # Panics
/// When the database cannot be read.
pub async fn dump(database: &DatabaseConnection) -> String {
    let postgres = database.get_database_backend() == DbBackend::Postgres;
    let tables = if postgres {
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'table'"
    };
    let tables: Vec<String> = rows(database, tables).await.iter().map(|row| get(row, 0)).collect();
    assert!(tables.len() > 4, "{tables:?}");
    let mut text = String::new();
    for table in tables {
        let sql = if postgres {
            format!("SELECT t::text FROM {table} t")
        } else {
            let columns = rows(database, &format!("SELECT name FROM pragma_table_info('{table}')")).await;
            let columns: Vec<_> = columns.iter().map(|row| format!("quote(\"{}\")", get::<String>(row, 0))).collect();
            format!("SELECT {} FROM {table}", columns.join(" || ',' || "))
        };
        for row in rows(database, &sql).await {
            text.push_str(&get::<String>(&row, 0).to_lowercase());
            text.push('\n');
        }
    }
    text
}

/// Bytes in hexadecimal, as [`dump`] shows them.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

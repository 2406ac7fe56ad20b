//! Many rows at once.

use sea_orm::{ConnectionTrait, Statement};
use senani_store::Rows;
use senani_testkit::engines;
use uuid::Uuid;

use crate::fixture::store;

#[tokio::test]
async fn rows_of_every_type_come_back_as_they_went_in_whatever_their_number() {
    for engine in engines() {
        let (_database, store) = store(engine).await;
        let blob = if engine == senani_testkit::Engine::Postgres { ("uuid", "bytea") } else { ("blob", "blob") };
        let table = format!(
            "CREATE TABLE every_type (id {} PRIMARY KEY, word text, raw {}, big bigint, small integer, flag boolean)",
            blob.0, blob.1
        );
        store.reader().execute_unprepared(&table).await.expect("creates");
        // 1,203 rows: on SQLite two full statements and a rest.
        let count = 1_203_i64;
        let id = |index: i64| Uuid::from_u128(u128::from(index.unsigned_abs()));
        let txn = store.begin_write().await.expect("begins");
        let affected = Rows::new()
            .uuid("id", (0..count).map(id))
            .text("word", (0..count).map(|index| format!("शब्द '{index}' :1 $1 ?")))
            .bytes("raw", (0..count).map(|index| index.to_be_bytes().to_vec()))
            .big_int("big", (0..count).map(|index| index - i64::MAX))
            .int("small", (0..count).map(|index| i32::try_from(index).expect("small") - 600))
            .boolean("flag", (0..count).map(|index| index % 3 == 0))
            .execute(
                &*txn,
                "INSERT INTO every_type (id, word, raw, big, small, flag) \
                 SELECT v.id, v.word, v.raw, v.big, v.small, v.flag FROM v WHERE v.big < :1 AND :2 = 'yes'",
                &[0_i64.into(), "yes".into()],
            )
            .await
            .expect("inserts");
        assert_eq!(affected, 1_203, "{engine}");
        txn.commit().await.expect("commits");

        let backend = store.backend();
        let select = "SELECT id, word, raw, big, small, flag FROM every_type ORDER BY id";
        let rows = store.reader().query_all_raw(Statement::from_string(backend, select)).await.expect("selects");
        for (index, row) in (0..count).zip(&rows) {
            assert_eq!(row.try_get_by_index::<Uuid>(0).expect("id"), id(index));
            assert_eq!(row.try_get_by_index::<String>(1).expect("word"), format!("शब्द '{index}' :1 $1 ?"));
            assert_eq!(row.try_get_by_index::<Vec<u8>>(2).expect("raw"), index.to_be_bytes());
            assert_eq!(row.try_get_by_index::<i64>(3).expect("big"), index - i64::MAX);
            assert_eq!(i64::from(row.try_get_by_index::<i32>(4).expect("small")), index - 600);
            assert_eq!(row.try_get_by_index::<bool>(5).expect("flag"), index % 3 == 0);
        }
        assert_eq!(rows.len(), 1_203, "{engine}");
    }
}

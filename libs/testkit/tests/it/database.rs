use sea_orm::{ConnectionTrait as _, Database};
use senani_testkit::{Engine, database, engines};

#[tokio::test]
async fn each_service_has_its_own_empty_database_on_every_engine() {
    for engine in engines() {
        let test = database(engine);
        let (hierarchy, membership) = (test.url("hierarchy"), test.url("membership"));
        assert_ne!(hierarchy, membership);
        assert_eq!(hierarchy, test.url("hierarchy"), "the same at every call");
        for url in [&hierarchy, &membership] {
            let connection = Database::connect(url).await.unwrap();
            connection.execute_unprepared("CREATE TABLE unit (id BIGINT)").await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_databases_of_a_test_are_gone_after_it() {
    for engine in engines() {
        let test = database(engine);
        let url = test.url("hierarchy");
        let connection = Database::connect(&url).await.unwrap();
        // Still connected: a service that is being stopped must not keep its database alive.
        drop(test);
        match engine {
            Engine::Sqlite => {
                let file = url.trim_start_matches("sqlite://").trim_end_matches("?mode=rwc");
                assert!(!std::path::Path::new(file).exists());
            }
            Engine::Postgres => assert!(Database::connect(&url).await.is_err()),
        }
        _ = connection.close().await;
    }
}

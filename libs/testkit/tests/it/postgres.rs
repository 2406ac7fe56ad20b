use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use senani_testkit::{ChildProcess, Durability, Engine, PostgresServer, engines, eventually};

const DEADLINE: Duration = Duration::from_secs(60);

fn installed() -> bool {
    // A given server is not ours to start or kill.
    engines().contains(&Engine::Postgres) && std::env::var_os("SENANI_TEST_POSTGRES_URL").is_none()
}

async fn setting(server: &PostgresServer, name: &str) -> String {
    let statement = Statement::from_string(DbBackend::Postgres, format!("SHOW {name}"));
    let connection = Database::connect(server.url("postgres")).await.expect("it takes connections");
    let row = connection.query_one_raw(statement).await.expect("the setting exists").expect("it has a value");
    row.try_get_by_index(0).expect("the value is text")
}

#[tokio::test]
async fn a_server_is_durable_only_when_asked_to_be() {
    if !installed() {
        return;
    }
    for (durability, fsync) in [(Durability::Off, "off"), (Durability::On, "on")] {
        let server = PostgresServer::start(durability).unwrap();
        assert_eq!(setting(&server, "fsync").await, fsync);
        assert_eq!(setting(&server, "synchronous_commit").await, fsync);
        assert_eq!(setting(&server, "max_connections").await, "200");
    }
}

#[tokio::test]
async fn a_dropped_server_leaves_nothing_behind() {
    if !installed() {
        return;
    }
    let server = PostgresServer::start(Durability::Off).unwrap();
    let url = server.create_database("kept").unwrap();
    Database::connect(&url).await.unwrap();
    let (port, directory) = (server.port(), server.directory().to_owned());
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!directory.exists());
}

/// Not a test: [`a_server_does_not_outlive_a_killed_test`] runs it as a process of its own and kills it.
#[tokio::test]
#[ignore = "runs until it is killed"]
async fn hold_a_server() {
    let server = PostgresServer::start(Durability::Off).unwrap();
    let connection = Database::connect(server.url("postgres")).await.unwrap();
    println!("\nholds {}:{}", server.port(), server.directory().display());
    std::future::pending::<()>().await;
    drop(connection);
}

#[tokio::test]
async fn a_server_does_not_outlive_a_killed_test() {
    if !installed() {
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "postgres::hold_a_server", "--ignored", "--nocapture"]);
    let mut holder = ChildProcess::spawn(command);
    let line = holder.wait_for_line("holds ", DEADLINE).await;
    let (port, directory) = line.trim_start_matches("holds ").split_once(':').unwrap();
    let port: u16 = port.parse().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    holder.kill_nine();
    eventually(DEADLINE, "the server's port to close", async || TcpStream::connect(("127.0.0.1", port)).is_err()).await;
    eventually(DEADLINE, "the server's directory to go", async || !Path::new(directory).exists()).await;
}

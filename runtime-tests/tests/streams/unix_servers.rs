//! Servers at Unix sockets, and their files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;

use super::*;

async fn says_hello(path: &std::path::Path) {
    let (mut reader, writer) = open_unix_connection(path).await.unwrap();
    writer.write(b"hello\n");
    assert_eq!(reader.readline().await.unwrap(), "hello\n");
}

// SV-8
#[test]
fn a_socket_that_was_left_is_replaced_and_the_own_one_removed() {
    on_workers(2, async {
        let path = socket_path();
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "it is left");
        let server = start_unix_server(echo, &path).await.unwrap();
        says_hello(&path).await;
        server.close();
        assert!(!path.exists());
        let server = start_unix_server(echo, &path).await.unwrap();
        drop(server);
        assert!(!path.exists(), "a dropped server removes it as well");
    });
}

// SV-8
#[test]
fn a_file_that_is_no_socket_stays() {
    on_workers(2, async {
        let path = socket_path();
        fs::write(&path, b"precious").unwrap();
        let error = start_unix_server(echo, &path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()), "{text}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        fs::remove_file(&path).unwrap();
        let missing = path.join("deeper");
        let error = start_unix_server(echo, missing).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    });
}

// SV-8
#[test]
fn the_file_of_another_that_took_its_place_stays() {
    on_workers(2, async {
        let path = socket_path();
        let first = start_unix_server(echo, &path).await.unwrap();
        let second = start_unix_server(echo, &path).await.unwrap();
        let inode = fs::metadata(&path).unwrap().ino();
        first.close();
        assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
        says_hello(&path).await;
        // Somebody has removed it: nothing is left to be done.
        fs::remove_file(&path).unwrap();
        second.close();
        let third = start_unix_server(echo, &path).await.unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, b"precious").unwrap();
        third.close();
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        fs::remove_file(&path).unwrap();
    });
}

// SV-8
#[test]
fn the_file_may_be_kept() {
    on_workers(2, async {
        let path = socket_path();
        let server = start_unix_server(echo, &path).cleanup_socket(false);
        let server = server.await.unwrap();
        says_hello(&path).await;
        server.close();
        assert!(path.exists());
        let error = open_unix_connection(&path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        fs::remove_file(&path).unwrap();
    });
}

// SV-8
#[test]
fn the_file_has_the_mode_that_was_asked_for() {
    on_workers(2, async {
        for mode in [0o600, 0o666, 0o640] {
            let path = socket_path();
            let server = start_unix_server(echo, &path).mode(mode).await.unwrap();
            let permissions = fs::metadata(&path).unwrap().permissions();
            assert_eq!(permissions.mode() & 0o777, mode);
            says_hello(&path).await;
            drop(server);
        }
    });
}

// SV-8
#[test]
fn an_abstract_name_has_no_file() {
    on_workers(2, async {
        let name = format!("\0asyncio-streams-{}", std::process::id());
        let path = std::path::Path::new(&name);
        let server = start_unix_server(echo, path).await.unwrap();
        says_hello(path).await;
        let error = start_unix_server(echo, path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        server.close();
        let error = open_unix_connection(path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        start_unix_server(echo, path).await.unwrap();
    });
}

// SV-8
#[test]
fn a_server_that_has_begun_nothing_removes_its_file() {
    on_workers(2, async {
        let path = socket_path();
        let settings = start_unix_server(echo, &path).start_serving(false);
        assert!(!path.exists(), "it begins when it is polled");
        let server = settings.await.unwrap();
        assert!(path.exists());
        let error = open_unix_connection(&path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        server.start_serving().unwrap();
        says_hello(&path).await;
        drop(server);
        assert!(!path.exists());
    });
}

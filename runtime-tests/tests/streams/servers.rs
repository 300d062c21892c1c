//! Servers: `close`, `wait_closed`, `serve_forever`, and their clients.

use std::io::Read;

use asyncio::{CancelledError, ContextVar, Event, create_task};

use runtime_tests::{Flag, alone, begun};

use super::*;

/// A handler that waits until its peer ends.
async fn idle(mut reader: StreamReader, writer: StreamWriter) {
    writer.write(b"hello");
    let _ended = reader.read_to_end().await;
}

/// A handler that has much to say to one that does not read.
async fn stuck(mut reader: StreamReader, writer: StreamWriter) {
    writer.write(&vec![b'x'; 32 << 20]);
    let _ended = reader.read_to_end().await;
}

/// Clients that have been greeted.
fn greeted(address: &Address, count: usize) -> Vec<Socket> {
    let clients = (0..count).map(|_| {
        let client = address.connect().unwrap();
        (&client).read_exact(&mut [0; 5]).unwrap();
        client
    });
    clients.collect()
}

fn ends(client: &Socket) -> bool {
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = client;
    matches!(client.read(&mut [0; 8]), Ok(0))
}

/// Polls a future once. Returns whether it waits.
async fn waits(future: impl Future) -> bool {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

// SV-1, SV-2
#[test]
fn close_stops_accepting_and_leaves_connections_alone() {
    over_both(async |kind| {
        let (server, address) = serve(kind, echo).await;
        let (mut reader, writer) = address.open().await.unwrap();
        writer.write(b"before\n");
        assert_eq!(reader.readline().await.unwrap(), "before\n");
        assert!(server.is_serving());
        assert_eq!(server.local_addrs().len(), usize::from(kind == Kind::Tcp));
        server.close();
        server.close();
        assert!(!server.is_serving());
        assert!(server.local_addrs().is_empty());
        assert!(address.connect().is_err(), "nobody listens");
        assert!(waits(server.wait_closed()).await, "there is a connection");
        writer.write(b"after\n");
        assert_eq!(reader.readline().await.unwrap(), "after\n");
        writer.close();
        wait_for(server.wait_closed(), PATIENCE).await.unwrap();
        server.wait_closed().await;
        assert!(server.start_serving().is_err());
    });
}

// SV-1
#[test]
fn an_address_is_free_once_close_has_returned() {
    // Other tests start programs, which have the descriptors of this one for a moment.
    alone(|| {
        on_workers(2, async {
            let server = start_server(idle, loopback()).await.unwrap();
            let address = server.local_addrs()[0];
            let mut last = server;
            for _ in 0..100 {
                // Whoever connects now keeps the acceptor at work while it is closed.
                let client = std::thread::spawn(move || {
                    for _ in 0..5 {
                        let _refused = std::net::TcpStream::connect(address);
                    }
                });
                last.close();
                last = start_server(idle, address).await.unwrap();
                client.join().unwrap();
            }
            end(last).await;
        });
    });
}

// SV-2
#[test]
fn wait_closed_waits_for_both_in_any_order() {
    over_both(async |kind| {
        // Connections first.
        let (server, address) = serve(kind, idle).await;
        assert!(waits(server.wait_closed()).await, "it is not closed");
        let clients = greeted(&address, 3);
        drop(clients);
        sleep(5 * TICK).await;
        assert!(waits(server.wait_closed()).await, "it is still not closed");
        server.close();
        wait_for(server.wait_closed(), PATIENCE).await.unwrap();
        // The server first; many wait, and some of them give up.
        let (server, address) = serve(kind, idle).await;
        let server = Arc::new(server);
        let clients = greeted(&address, 3);
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let server = Arc::clone(&server);
                create_task(async move { server.wait_closed().await })
            })
            .collect();
        server.close();
        waiting[0].cancel();
        sleep(TICK).await;
        assert!(waiting[1..].iter().all(|task| !task.done()));
        drop(clients);
        for (number, task) in waiting.into_iter().enumerate() {
            let waited = wait_for(task, PATIENCE).await.unwrap();
            assert!(number == 0 || waited.is_ok());
        }
    });
}

// SV-2
#[test]
fn wait_closed_does_not_wait_for_handlers() {
    over_both(async |kind| {
        let (closed, go) = (Arc::new(Event::new()), Arc::new(Event::new()));
        let (has_closed, may_go) = (Arc::clone(&closed), Arc::clone(&go));
        let (server, address) = serve(kind, move |_reader, writer: StreamWriter| {
            let (has_closed, may_go) = (Arc::clone(&has_closed), Arc::clone(&may_go));
            async move {
                writer.close();
                writer.wait_closed().await.unwrap();
                has_closed.set();
                may_go.wait().await;
            }
        })
        .await;
        let client = address.connect().unwrap();
        closed.wait().await;
        server.close();
        wait_for(server.wait_closed(), PATIENCE).await.unwrap();
        assert_eq!(all_tasks().len(), 2, "the handler is at work");
        assert!(ends(&client));
        go.set();
        until_slowly(|| all_tasks().len() == 1).await;
    });
}

// SV-3
#[test]
fn close_clients_sends_what_is_kept_and_abort_clients_does_not() {
    over_both(async |kind| {
        for abort in [false, true] {
            let (server, address) = serve(kind, stuck).await;
            let client = address.connect().unwrap();
            (&client).read_exact(&mut [0; 1]).unwrap();
            server.close();
            server.close_clients();
            assert!(waits(server.wait_closed()).await, "it has bytes to send");
            if abort {
                server.abort_clients();
                wait_for(server.wait_closed(), PATIENCE).await.unwrap();
            }
            let reading = std::thread::spawn(move || {
                let mut rest = Vec::new();
                (&client).read_to_end(&mut rest).map(|_| rest.len() + 1)
            });
            let got = reading.join().unwrap().unwrap();
            assert_eq!(got == 32 << 20, !abort, "{got} bytes");
            wait_for(server.wait_closed(), PATIENCE).await.unwrap();
        }
    });
}

// SV-3
#[test]
fn a_server_goes_on_after_its_clients_were_closed() {
    over_both(async |kind| {
        let (server, address) = serve(kind, idle).await;
        for round in 0..6 {
            let clients = greeted(&address, 3);
            match round % 2 {
                0 => server.close_clients(),
                _ => server.abort_clients(),
            }
            assert!(clients.iter().all(ends));
        }
        end(server).await;
    });
}

// SV-4
#[test]
fn only_one_may_serve_forever_and_none_after_close() {
    over_both(async |kind| {
        let (server, address) = serve(kind, echo).await;
        let server = Arc::new(server);
        let forever = Arc::clone(&server);
        let forever = create_task(async move { forever.serve_forever().await });
        until_slowly(|| address.connect().is_ok()).await;
        sleep(TICK).await;
        let error = server.serve_forever().await.unwrap_err();
        let text = "already being awaited on serve_forever()";
        assert!(error.to_string().contains(text), "{error}");
        assert!(!forever.done(), "and the first goes on");
        // SV-1: here it returns.
        server.close();
        wait_for(forever, PATIENCE).await.unwrap().unwrap().unwrap();
        for _ in 0..2 {
            let error = server.serve_forever().await.unwrap_err();
            assert!(error.to_string().contains("is closed"), "{error}");
        }
    });
}

// SV-5
#[test]
fn a_cancelled_serve_forever_closes_all_and_waits() {
    over_both(async |kind| {
        let (server, address) = serve(kind, idle).await;
        let server = Arc::new(server);
        let serving = Arc::clone(&server);
        let forever = begun(async move { serving.serve_forever().await }).await;
        let clients = greeted(&address, 5);
        forever.cancel();
        let ended = wait_for(forever, PATIENCE).await.unwrap();
        assert!(ended.is_err(), "it is cancelled");
        assert!(!waits(server.wait_closed()).await, "all have gone by now");
        assert!(clients.iter().all(ends));
        assert!(address.connect().is_err());
    });
}

// SV-5
#[test]
fn a_dropped_serve_forever_closes_all_and_waits_for_nothing() {
    over_both(async |kind| {
        let (server, address) = serve(kind, idle).await;
        let clients = greeted(&address, 5);
        let limited = wait_for(server.serve_forever(), TICK).await;
        assert!(limited.is_err());
        assert!(!server.is_serving());
        assert!(clients.iter().all(ends));
        wait_for(server.wait_closed(), PATIENCE).await.unwrap();
    });
}

// SV-5
#[test]
fn fault_a_client_that_comes_while_the_server_ends_does_not_hold_it_up() {
    on_workers(2, async {
        for _ in 0..200 {
            let server = start_server(idle, loopback()).await.unwrap();
            let address = server.local_addrs()[0];
            let connecting = std::thread::spawn(move || {
                let clients = (0..8).map(|_| std::net::TcpStream::connect(address));
                clients.collect::<Vec<_>>()
            });
            let serving = begun(async move { server.serve_forever().await }).await;
            sleep(TICK / 5).await;
            serving.cancel();
            let ended = wait_for(serving, PATIENCE).await;
            assert!(ended.is_ok(), "it waits for a client that was not closed");
            drop(connecting.join().unwrap());
        }
    });
}

// SV-6
#[test]
fn a_server_may_begin_to_serve_later() {
    on_workers(2, async {
        let settings = start_server(echo, loopback()).start_serving(false);
        let server = settings.backlog(7).await.unwrap();
        let address = server.local_addrs()[0];
        assert!(!server.is_serving());
        assert!(std::net::TcpStream::connect(address).is_err());
        for _ in 0..3 {
            server.start_serving().unwrap();
        }
        assert!(server.is_serving());
        let (mut reader, writer) = open_connection(address).await.unwrap();
        writer.write(b"hello\n");
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
        drop(server);
        assert!(std::net::TcpStream::connect(address).is_err(), "dropped");
        writer.write(b"still here\n");
        assert_eq!(reader.readline().await.unwrap(), "still here\n");
        // serve_forever begins as well; one that is never begun can be closed.
        let server = start_server(echo, address).start_serving(false);
        let server = Arc::new(server.await.unwrap());
        let serving = Arc::clone(&server);
        let forever = create_task(async move { serving.serve_forever().await });
        until_slowly(|| std::net::TcpStream::connect(address).is_ok()).await;
        server.close();
        forever.await.unwrap().unwrap();
        let never = start_server(echo, loopback()).start_serving(false);
        end(never.await.unwrap()).await;
    });
}

/// A handler that ends in one of three ways.
async fn end_as(way: &str, reader: StreamReader, writer: StreamWriter) {
    writer.write(&vec![b'x'; 4 << 20]);
    match way {
        "returns" => {}
        "panics" => std::panic::resume_unwind(Box::new("a handler's panic")),
        _ => {
            asyncio::current_task().unwrap().cancel();
            sleep(PATIENCE).await;
        }
    }
    drop((reader, writer));
}

// SV-7, difference 13
#[test]
fn however_a_handler_ends_its_connection_is_closed_and_what_it_wrote_is_sent() {
    over_both(async |kind| {
        for way in ["returns", "panics", "is cancelled"] {
            let reports = reports();
            let handler = move |reader, writer| end_as(way, reader, writer);
            let (server, address) = serve(kind, handler).await;
            let client = address.connect().unwrap();
            let mut all = Vec::new();
            (&client).read_to_end(&mut all).unwrap();
            assert_eq!(all.len(), 4 << 20, "{way}");
            until_slowly(|| all_tasks().len() == 1).await;
            let reports = reports.lock().unwrap().clone();
            match way {
                "panics" => assert_eq!(reports, ["Unhandled exception in client_connected_cb"]),
                _ => assert!(reports.is_empty(), "{way}: {reports:?}"),
            }
            assert!(server.is_serving());
            end(server).await;
        }
    });
}

// SV-7
#[test]
fn handlers_are_tasks_and_a_shutdown_cancels_them() {
    let flag = Flag::default();
    let cancelled = flag.clone();
    let client = on_workers(2, async move {
        let (server, address) = serve(Kind::Tcp, move |mut reader: StreamReader, writer| {
            let cancelled = cancelled.clone();
            async move {
                let kept: StreamWriter = writer;
                kept.write(b"hello");
                let read = asyncio::catch_cancelled(reader.read(1)).await;
                if let Err(error) = read {
                    cancelled.set();
                    let error: CancelledError = error;
                    error.raise().await;
                }
            }
        })
        .await;
        let client = greeted(&address, 1);
        std::mem::forget(server);
        client
    });
    assert!(ends(&client[0]));
    assert!(flag.is_set());
}

static WHO: ContextVar<&str> = ContextVar::new("WHO", Some(|| "nobody"));

// SV-10
#[test]
fn handlers_have_the_context_in_which_the_server_was_made() {
    over_both(async |kind| {
        let token = WHO.set("the maker");
        let (server, address) = serve(kind, async |_reader, writer: StreamWriter| {
            writer.write(WHO.get().as_bytes());
            // Each has a copy.
            drop(WHO.set("a handler"));
        })
        .await;
        drop(token);
        drop(WHO.set("somebody else"));
        for _ in 0..3 {
            let (mut reader, _writer) = address.open().await.unwrap();
            assert_eq!(reader.read_to_end().await.unwrap(), "the maker");
        }
        assert_eq!(WHO.get(), "somebody else");
        end(server).await;
    });
}

//! Tests of `add_reader` and `add_writer`.

use std::io::{Read, Write, pipe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

// LH-7
#[test]
fn a_reader_is_called_as_long_as_there_is_something_to_read() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let (mut reader, mut writer) = pipe().unwrap();
        let watched = reader.try_clone().unwrap();
        let (read, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (sum, count) = (Arc::clone(&read), Arc::clone(&calls));
        // One byte in each call: the poller reports all of them once.
        let callback = move || {
            count.fetch_add(1, Ordering::Relaxed);
            sum.fetch_add(reader.read(&mut [0; 1]).unwrap(), Ordering::Relaxed);
        };
        event_loop.add_reader(&watched, callback).unwrap();
        for round in 1..=20 {
            writer.write_all(&[0; 10]).unwrap();
            until(|| read.load(Ordering::Relaxed) == 10 * round).await;
        }
        assert_eq!(calls.load(Ordering::Relaxed), 200, "never without data");
        assert!(event_loop.remove_reader(&watched));
        assert!(!event_loop.remove_reader(&watched));
        writer.write_all(&[0; 10]).unwrap();
        sleep(5 * TICK).await;
        assert_eq!(calls.load(Ordering::Relaxed), 200, "removed");
    });
}

#[test]
fn a_second_reader_replaces_the_first_and_a_writer_is_beside_it() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let (client, server) = connected().await;
        let (client, server) = (client.into_std(), server.into_std());
        let [first, second, third] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
        let count = |counter: &Arc<AtomicUsize>, read: bool| {
            let (counter, mut socket) = (Arc::clone(counter), client.try_clone().unwrap());
            move || {
                counter.fetch_add(1, Ordering::Relaxed);
                if read {
                    let _some = socket.read(&mut [0; 100]).unwrap();
                }
            }
        };
        event_loop.add_reader(&client, count(&first, true)).unwrap();
        event_loop
            .add_reader(&client, count(&second, true))
            .unwrap();
        event_loop
            .add_writer(&client, count(&third, false))
            .unwrap();
        (&server).write_all(b"something").unwrap();
        until(|| second.load(Ordering::Relaxed) > 0).await;
        until(|| third.load(Ordering::Relaxed) > 10).await;
        assert_eq!(first.load(Ordering::Relaxed), 0);
        assert!(event_loop.remove_writer(&client));
        assert!(event_loop.remove_reader(&client));
    });
}

// A callback may remove itself, and panic: the others go on.
#[test]
fn a_reader_may_remove_itself_and_panic() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        event_loop.set_exception_handler(|_, _| {});
        let (reader, mut writer) = pipe().unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let (count, event_loop_inside) = (Arc::clone(&calls), event_loop.clone());
        let reader = Arc::new(reader);
        let fd = Arc::clone(&reader);
        let callback = move || {
            if count.fetch_add(1, Ordering::Relaxed) == 2 {
                assert!(event_loop_inside.remove_reader(&fd));
            }
            panic!("the callback panics");
        };
        event_loop.add_reader(&reader, callback).unwrap();
        writer.write_all(b"x").unwrap();
        until(|| calls.load(Ordering::Relaxed) == 3).await;
        sleep(2 * TICK).await;
        assert_eq!(calls.load(Ordering::Relaxed), 3, "it has removed itself");
        assert!(!event_loop.remove_reader(&reader));
    });
}

#[test]
fn the_end_of_a_loop_drops_its_readers() {
    let dropped = Arc::new(AtomicBool::new(false));
    struct Probe(Arc<AtomicBool>);
    impl Drop for Probe {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let probe = Probe(Arc::clone(&dropped));
    let (reader, writer) = pipe().unwrap();
    on_workers(2, async {
        let callback = move || {
            let _kept = &probe;
        };
        get_running_loop().add_reader(&reader, callback).unwrap();
        sleep(TICK).await;
        assert!(!dropped.load(Ordering::Relaxed));
    });
    assert!(dropped.load(Ordering::Relaxed));
    drop(writer);
}

#[test]
fn a_file_is_refused_and_so_is_a_closed_loop() {
    let event_loop = on_workers(1, async {
        let event_loop = get_running_loop();
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        assert!(event_loop.add_reader(&file, || {}).is_err());
        event_loop
    });
    let (reader, _writer) = pipe().unwrap();
    assert!(event_loop.add_reader(&reader, || {}).is_err());
    assert!(!event_loop.remove_reader(&reader));
}

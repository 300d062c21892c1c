//! `copy` and `sendfile` are dropped after each number of polls that they may have had.

use std::io::Seek;

use asyncio::io::{copy, copy_bidirectional};
use asyncio::net::UnixStream;
use runtime_tests::under_strace;
use socket2::SockRef;

use super::dropped::{MOST, Peer, drop_at_each, drop_each_at_each, polled, sequence};
use super::files::file_of;
use super::*;

const TOTAL: usize = 300_000;

/// What `copy` may have read and not written when it is dropped.
const UNDER_WAY: usize = 16 * 1024;

/// All has come, or all but one piece.
fn assert_copied(received: &[u8], complete: bool) {
    let gap = TOTAL - received.len();
    assert!(
        gap <= if complete { 0 } else { UNDER_WAY },
        "{gap} bytes are lost"
    );
    let all = sequence(0..TOTAL);
    let same = received
        .iter()
        .zip(&all)
        .take_while(|(left, right)| left == right);
    let same = same.count();
    assert!(received[same..] == all[same + gap..]);
}

/// A connection with little room, so that writes wait.
fn narrow() -> (UnixStream, Peer) {
    let (own, peer) = std::os::unix::net::UnixStream::pair().unwrap();
    for end in [&own, &peer] {
        SockRef::from(end).set_send_buffer_size(8192).unwrap();
    }
    (UnixStream::from_std(own).unwrap(), Peer::of(peer))
}

async fn copies(polls: usize) -> bool {
    let ((from, mut source), (to, mut sink)) = (narrow(), narrow());
    let mut act = || {
        source.send(40_000, TOTAL);
        sink.take(30_000);
    };
    let copied = polled(copy(&from, &to), polls, &mut act).await;
    if copied.is_none() {
        let rest = polled(copy(&from, &to), MOST, act).await;
        rest.expect("it ends").unwrap();
    }
    drop(to);
    assert_copied(&sink.into_received(), copied.is_some());
    copied.is_some_and(|copied| copied.unwrap() == TOTAL as u64)
}

async fn copies_both_ways(polls: usize) -> bool {
    let ((left, mut left_peer), (right, mut right_peer)) = (narrow(), narrow());
    let mut act = || {
        for peer in [&mut left_peer, &mut right_peer] {
            peer.send(40_000, TOTAL);
            peer.take(30_000);
        }
    };
    let copied = polled(copy_bidirectional(&left, &right), polls, &mut act).await;
    if copied.is_none() {
        let rest = polled(copy_bidirectional(&left, &right), MOST, act).await;
        rest.expect("it ends").unwrap();
    }
    drop((left, right));
    for peer in [left_peer, right_peer] {
        assert_copied(&peer.into_received(), copied.is_some());
    }
    copied.is_some_and(|copied| copied.unwrap() == (TOTAL as u64, TOTAL as u64))
}

/// The position of the file shows what has been sent.
async fn sends_file(polls: usize) -> bool {
    let mut file = file_of(&sequence(0..TOTAL));
    file.rewind().unwrap();
    let (stream, mut peer) = narrow();
    let event_loop = get_running_loop();
    let mut act = || peer.take(50_000);
    let sent = polled(
        event_loop.sendfile(&stream, &file, 0, None),
        polls,
        &mut act,
    )
    .await;
    let position = file.stream_position().unwrap();
    let rest = event_loop.sendfile(&stream, &file, position, None);
    let rest = polled(rest, MOST, act).await;
    assert_eq!(rest.expect("it ends").unwrap(), TOTAL as u64 - position);
    drop(stream);
    assert!(peer.into_received() == sequence(0..TOTAL));
    sent.is_some()
}

#[test]
fn a_dropped_copy_loses_no_more_than_was_under_way() {
    drop_each_at_each!(copies, copies_both_ways);
}

#[test]
fn a_file_is_sent_on_from_where_a_dropped_sendfile_left_it() {
    drop_each_at_each!(sends_file);
}

// Files that the kernel cannot send are read in a thread, and written.
#[test]
fn a_file_that_is_read_in_a_thread_is_sent_on_from_where_that_was_dropped() {
    let trace = under_strace(&["trace=sendfile", "inject=sendfile:error=EINVAL"], || {
        on_workers(2, drop_at_each("sends_file", sends_file));
    });
    let Some(trace) = trace else { return };
    assert!(trace.injected() > 0);
}

//! Receiving in ways that std's sockets do not have.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use rustix::net::{RecvFlags, recv};

/// Receives into memory that need not be initialized.
pub(super) fn into_uninit(io: impl AsFd, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    let ((read, _rest), _length) = recv(io, buffer, RecvFlags::empty())?;
    Ok(read.len())
}

/// Receives without taking anything.
pub(super) fn peek(io: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (read, _length) = recv(io, buffer, RecvFlags::PEEK)?;
    Ok(read)
}

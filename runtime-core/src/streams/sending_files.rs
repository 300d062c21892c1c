//! `sendfile` to a writer.

use std::future::poll_fn;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::writer::StreamWriter;
use crate::net::SendFile;

/// What was written before goes out first. What other tasks write meanwhile comes between the parts
/// of the file. Under TLS the file is read and written.
impl SendFile for StreamWriter {
    async fn send_part(
        &self,
        file: BorrowedFd<'_>,
        offset: u64,
        count: usize,
    ) -> io::Result<usize> {
        poll_fn(|cx| self.poll_flush(cx)).await?;
        match self
            .connection
            .look(|outgoing| outgoing.endpoint_for_files())
        {
            Some(endpoint) => endpoint.send_file(file, offset, count).await,
            // It is read and written instead, and an end of the writes is told then.
            None => Err(Errno::OPNOTSUPP.into()),
        }
    }

    async fn send_some(&self, data: &[u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_write(cx, |writer| writer.write(data))).await?;
        Ok(data.len())
    }
}

//! A connection whose bytes are squeezed both ways (RFC 4978).

use std::io::{self, Cursor};
use std::pin::Pin;
use std::task::{Context, Poll};

use async_compression::tokio::bufread::DeflateDecoder;
use async_compression::tokio::write::DeflateEncoder;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, BufReader, Chain, ReadBuf, ReadHalf, WriteHalf, split,
};

/// What comes: what had come already, then the rest.
type Incoming<S> = BufReader<Chain<Cursor<Vec<u8>>, ReadHalf<S>>>;

/// A connection that is squeezed.
pub struct Deflated<S> {
    reader: DeflateDecoder<Incoming<S>>,
    writer: DeflateEncoder<WriteHalf<S>>,
}

impl<S: AsyncRead + AsyncWrite> Deflated<S> {
    /// Squeezes what is said on a connection from now on; `come` is what has come of it already.
    pub fn new(stream: S, come: Vec<u8>) -> Self {
        let (reader, writer) = split(stream);
        Self {
            reader: DeflateDecoder::new(BufReader::new(Cursor::new(come).chain(reader))),
            writer: DeflateEncoder::new(writer),
        }
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncRead for Deflated<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().reader).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncWrite for Deflated<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().writer).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().writer).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().writer).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[test]
    fn both_sides_understand_each_other_at_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(async {
            let (one, other) = duplex(1 << 20);
            let mut one = Deflated::new(one, Vec::new());
            one.write_all(b"a line\r\n").await.expect("taken");
            one.flush().await.expect("gone");
            // The other side had read some of it before it knew that it was squeezed.
            let (mut reader, writer) = split(other);
            let mut come = vec![0; 4];
            reader.read_exact(&mut come).await.expect("come");
            let mut other = Deflated::new(tokio::io::join(reader, writer), come);
            let mut line = [0; 8];
            other.read_exact(&mut line).await.expect("understood");
            assert_eq!(&line, b"a line\r\n");
            let long = b"the same again and again ".repeat(2000);
            other.write_all(&long).await.expect("taken");
            other.flush().await.expect("gone");
            let mut read = vec![0; long.len()];
            one.read_exact(&mut read).await.expect("understood");
            assert!(read == long);
            drop(other);
            // An end without the last word of the format is one all the same.
            let ended = one.read(&mut line).await;
            assert!(!ended.is_ok_and(|count| count > 0));
        });
    }
}

//! A connection, in clear text, inside TLS or through a program: bytes in, bytes out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::net::deflated::Deflated;
use crate::net::pipe::Pipe;

/// A connection.
pub enum Stream {
    /// In clear text.
    Plain(TcpStream),
    /// Inside TLS.
    Tls(Box<TlsStream<TcpStream>>),
    /// Through a program of the user's, who answers for it.
    Piped(Box<Pipe>),
    /// One of them, squeezed.
    Deflated(Box<Squeezed>),
    /// None: nothing comes, and nothing goes.
    Closed,
}

/// A connection that is squeezed, and what holds for it as before.
pub struct Squeezed {
    inner: Deflated<Stream>,
    is_encrypted: bool,
    is_loopback: bool,
}

impl Stream {
    /// Whether nobody on the way can read it.
    pub fn is_encrypted(&self) -> bool {
        match self {
            Self::Tls(_) | Self::Piped(_) => true,
            Self::Deflated(squeezed) => squeezed.is_encrypted,
            Self::Plain(_) | Self::Closed => false,
        }
    }

    /// Squeezes what is said from now on. `come` is what has come of it already.
    pub fn deflate(&mut self, come: Vec<u8>) {
        let (is_encrypted, is_loopback) = (self.is_encrypted(), self.is_loopback());
        let plain = std::mem::replace(self, Self::Closed);
        *self = Self::Deflated(Box::new(Squeezed {
            inner: Deflated::new(plain, come),
            is_encrypted,
            is_loopback,
        }));
    }

    /// Whether both ends are this machine.
    pub fn is_loopback(&self) -> bool {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref().0,
            Self::Deflated(squeezed) => return squeezed.is_loopback,
            Self::Piped(_) | Self::Closed => return false,
        };
        socket.peer_addr().is_ok_and(|peer| peer.ip().is_loopback())
    }

    /// What binds a login to this very connection (`tls-exporter`, RFC 9266).
    pub fn binding(&self) -> Option<Vec<u8>> {
        const LABEL: &[u8] = b"EXPORTER-Channel-Binding";
        let Self::Tls(stream) = self else {
            return None;
        };
        let session = stream.get_ref().1;
        // Before TLS 1.3 it is the same only where renegotiation and resumption are guarded, which nobody can tell here.
        let is_new = session.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        let exported = session.export_keying_material(vec![0; 32], LABEL, Some(b""));
        exported.ok().filter(|_| is_new)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Piped(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Deflated(stream) => Pin::new(&mut stream.inner).poll_read(context, buffer),
            Self::Closed => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Piped(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Deflated(stream) => Pin::new(&mut stream.inner).poll_write(context, bytes),
            Self::Closed => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
            Self::Piped(stream) => Pin::new(stream).poll_flush(context),
            Self::Deflated(stream) => Pin::new(&mut stream.inner).poll_flush(context),
            Self::Closed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Piped(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Deflated(stream) => Pin::new(&mut stream.inner).poll_shutdown(context),
            Self::Closed => Poll::Ready(Ok(())),
        }
    }
}

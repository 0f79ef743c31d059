//! Connections: finding a host, TLS, the stream that both give.

pub mod deflated;
pub mod dial;
pub mod pipe;
pub mod stream;
pub mod tls;

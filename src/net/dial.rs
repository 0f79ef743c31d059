//! Connects to a host: all its addresses, the next one tried before the last one has given up (RFC 8305).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long the name may take.
const LOOKUP: Duration = Duration::from_secs(10);
/// How long one address is tried.
const ONE: Duration = Duration::from_secs(15);
/// How long all of them are.
const ALL: Duration = Duration::from_secs(30);
/// After how long the next address is tried beside the last one.
const HEAD_START: Duration = Duration::from_millis(250);
/// More addresses are not tried.
const MOST: usize = 16;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name stands for no address.
    #[error("the name of the host is not known")]
    Unknown(#[source] io::Error),
    /// The name was not answered in time.
    #[error("the name of the host was not found within {} s", LOOKUP.as_secs())]
    LookupTimeout,
    /// No address took the connection.
    #[error("the host takes no connection")]
    Refused(#[source] io::Error),
    /// No address answered in time.
    #[error("the host did not answer within {} s", ALL.as_secs())]
    Timeout,
}

/// Connects to `host`, a name or an address in square brackets. May be dropped at any time.
pub async fn dial(host: &str, port: u16) -> Result<TcpStream, DialError> {
    let host = bare(host);
    let found = timeout(LOOKUP, lookup_host((host, port))).await;
    let found = found.map_err(|_| DialError::LookupTimeout)?;
    let addresses: Vec<SocketAddr> = found.map_err(DialError::Unknown)?.collect();
    if addresses.is_empty() {
        return Err(DialError::Unknown(io::ErrorKind::NotFound.into()));
    }
    let stream = timeout(ALL, first_of(interleaved(addresses))).await;
    let stream = stream.map_err(|_| DialError::Timeout)??;
    // A key press is a small packet that shall not wait for another one.
    let _best_effort = stream.set_nodelay(true);
    let _best_effort = keep_alive(&stream);
    Ok(stream)
}

/// Lets the system notice when the other end is gone although nobody said so.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(120))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(30))?;
    sockopt::set_tcp_keepcnt(stream, 4)?;
    Ok(())
}

/// A host without what names write around an address.
pub fn bare(host: &str) -> &str {
    let inner = host.trim_start_matches('[').trim_end_matches(']');
    inner.strip_prefix("IPv6:").unwrap_or(inner)
}

/// Addresses of the two families in turn, the family of the first one first.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_six = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|it| it.is_ipv6() == is_six);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] || all.len() >= MOST {
            return all;
        }
        all.extend(pair.into_iter().flatten());
    }
}

/// The first connection that one of the addresses takes.
async fn first_of(addresses: Vec<SocketAddr>) -> Result<TcpStream, DialError> {
    let mut rest = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    loop {
        let next = rest.next();
        let is_last = next.is_none();
        if let Some(address) = next {
            attempts.spawn(async move {
                let attempt = timeout(ONE, TcpStream::connect(address)).await;
                attempt.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            });
        }
        tokio::select! {
            ended = attempts.join_next() => match ended {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(error))) => refused = error,
                Some(Err(_)) => {}
                None => return Err(DialError::Refused(refused)),
            },
            () = sleep(HEAD_START), if !is_last => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn families_take_turns() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let given = ["[::1]:1", "[::2]:1", "1.1.1.1:1"].map(address).to_vec();
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1"].map(address).to_vec();
        assert_eq!(interleaved(given), expected);
        let many: Vec<SocketAddr> = (1..=99)
            .map(|it| address(&format!("1.1.1.{it}:1")))
            .collect();
        assert_eq!(interleaved(many).len(), MOST);
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_no_reason_to_give_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let there = listener.local_addr().expect("bound");
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let nowhere = closed.local_addr().expect("bound");
        drop(closed);
        let stream = first_of(vec![nowhere, there]).await.expect("connected");
        assert_eq!(stream.peer_addr().expect("connected"), there);
        let refused = first_of(vec![nowhere]).await;
        assert!(matches!(refused, Err(DialError::Refused(_))));
        assert!(dial("[127.0.0.1]", there.port()).await.is_ok());
    }

    #[tokio::test]
    async fn an_address_that_is_silent_gets_a_head_start_and_no_more() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let there = listener.local_addr().expect("bound");
        // Kept for examples: no network answers for it, and some refuse at once.
        let silent: SocketAddr = "192.0.2.1:9".parse().expect("an address");
        let began = tokio::time::Instant::now();
        let stream = first_of(vec![silent, there]).await.expect("connected");
        assert_eq!(stream.peer_addr().expect("connected"), there);
        assert!(began.elapsed() < ONE);
    }
}

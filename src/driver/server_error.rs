//! What can go wrong between this program and a server.

use crate::mail::text::Foreign;

/// Why a server, or the way to it, failed. What the server said is in the fields and not in the text, which is safe to print.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no connection to be had.
    #[error("no connection: {why}")]
    Unreachable {
        /// The host, as typed.
        host: Foreign,
        /// Why not.
        why: String,
    },
    /// The connection would not be encrypted, or would be but for somebody who meddles.
    #[error("the connection is not safe: {0}")]
    Unsafe(&'static str),
    /// Nobody vouches for the server's certificate.
    #[error("the certificate cannot be trusted: {why}")]
    Certificate {
        /// The host, as typed.
        host: Foreign,
        /// What is wrong with it.
        why: String,
        /// The SHA-256 of its bytes, `3A:F0:…`.
        fingerprint: String,
    },
    /// The server does not let the user in.
    #[error("the server refused the login")]
    Login {
        /// Who wanted to log in.
        user: Foreign,
        /// What the server said.
        said: Foreign,
    },
    /// There is no way to log in that both sides have.
    #[error("no way to log in: {0}")]
    NoWayIn(&'static str),
    /// The server is busy, or too much was asked of it.
    #[error("the server cannot do it now")]
    TryLater(Foreign),
    /// The server refused.
    #[error("the server refused")]
    Refused(Foreign),
    /// There is no room for it.
    #[error("the server has no room for it")]
    NoRoom(Foreign),
    /// The server does not allow it.
    #[error("the server does not allow it")]
    Forbidden(Foreign),
    /// The connection ended.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server ended the connection, and said why.
    #[error("the server ended the connection")]
    Bye(Foreign),
    /// The server did not answer.
    #[error("no answer for {0} s")]
    Silent(u64),
    /// What was asked was sent whole, and nobody heard what became of it.
    #[error("nobody knows whether it was done")]
    Unsure,
    /// The server said what no server may say.
    #[error("the server broke the rules of the protocol: {0}")]
    Protocol(&'static str),
    /// The server knows no such thing.
    #[error("this server cannot {0}")]
    Unable(&'static str),
}

impl ServerError {
    /// Whether the connection is of no use any more.
    pub fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::Lost(_) | Self::Bye(_) | Self::Silent(_) | Self::Protocol(_) | Self::Unsure
        )
    }
}

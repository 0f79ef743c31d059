//! TLS by rustls: who vouches for a server, and what is told of a certificate that nobody vouches for.
//!
//! The roots are the system's, with those that the user adds. A certificate that the user looked at and accepted is known
//! again by the SHA-256 of its bytes, for this host alone. TLS 1.2 and 1.3; older ones do not exist here.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as RustlsError, SignatureScheme,
    SupportedProtocolVersion,
};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::net::dial::bare;
use crate::net::stream::Stream;

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is asked of a server.
#[derive(Clone, Debug, Default)]
pub struct TlsChoices {
    /// Roots beside the system's.
    pub roots: Vec<Certificate>,
    /// Whose certificate is good whatever it says: its SHA-256.
    pub pinned: Option<[u8; 32]>,
    /// Whether any certificate is good (`/novalidate-cert`).
    pub anything: bool,
    /// The only version, where one is wanted.
    pub version: Option<Version>,
    /// The certificate that this side shows, with its key.
    pub client: Option<Arc<ClientCertificate>>,
}

/// A version of TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// A certificate as it is sent.
pub type Certificate = CertificateDer<'static>;

/// A certificate of the user's.
#[derive(Debug)]
pub struct ClientCertificate {
    /// The chain, the user's own first.
    chain: Vec<Certificate>,
    /// Its key.
    key: PrivateKeyDer<'static>,
}

impl ClientCertificate {
    /// This chain, with the key in this file (PEM).
    pub fn read(chain: Vec<Certificate>, key: &Path) -> io::Result<Self> {
        let key = PrivateKeyDer::from_pem_file(key)
            .map_err(|_| io::Error::other("there is no key in PEM form in it"))?;
        Ok(Self { chain, key })
    }
}

/// The certificates in a file (PEM), at least one.
pub fn certificates(path: &Path) -> io::Result<Vec<Certificate>> {
    let none = || io::Error::other("there are no certificates in PEM form in it");
    let found = CertificateDer::pem_file_iter(path).map_err(|error| match error {
        pem::Error::Io(error) => error,
        _ => none(),
    })?;
    let found: Result<Vec<Certificate>, _> = found.collect();
    let found = found.map_err(|_| none())?;
    match found.is_empty() {
        true => Err(none()),
        false => Ok(found),
    }
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Nobody vouches for the server's certificate.
    #[error("the server's certificate cannot be trusted: {}", .0.why)]
    Certificate(Untrusted),
    /// The two sides have nothing in common.
    #[error("no TLS with this server: {0}")]
    Handshake(String),
    /// The host's name cannot stand in a certificate.
    #[error("no certificate can be made out to this host name")]
    Name,
    /// The handshake took too long.
    #[error("no TLS within {} s", PATIENCE.as_secs())]
    Timeout,
    /// The connection broke.
    #[error("the connection broke during the TLS handshake")]
    Broken(#[source] io::Error),
}

/// A certificate that nobody vouches for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Untrusted {
    /// What is wrong with it.
    pub why: String,
    /// The SHA-256 of its bytes.
    pub digest: [u8; 32],
}

impl Untrusted {
    /// The digest as people compare it: `3A:F0:…`.
    pub fn fingerprint(&self) -> String {
        let mut text = String::with_capacity(95);
        for byte in self.digest {
            let colon = if text.is_empty() { "" } else { ":" };
            let _infallible = write!(text, "{colon}{byte:02X}");
        }
        text
    }
}

/// Begins TLS on a connection to `host`, to whom the certificate must be made out.
pub async fn start(
    socket: TcpStream,
    host: &str,
    choices: &TlsChoices,
) -> Result<Stream, TlsError> {
    let name = ServerName::try_from(bare(host).to_owned()).map_err(|_| TlsError::Name)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let judge = Arc::new(Judge::new(&provider, choices)?);
    let config = config(provider, Arc::clone(&judge), choices)?;
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, socket);
    match timeout(PATIENCE, connecting).await {
        Err(_) => Err(TlsError::Timeout),
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
        Ok(Err(error)) => Err(judge.explain(error)),
    }
}

fn config(
    provider: Arc<CryptoProvider>,
    judge: Arc<Judge>,
    choices: &TlsChoices,
) -> Result<ClientConfig, TlsError> {
    let versions: &[&SupportedProtocolVersion] = match choices.version {
        Some(Version::Tls12) => &[&rustls::version::TLS12],
        Some(Version::Tls13) => &[&rustls::version::TLS13],
        None => rustls::ALL_VERSIONS,
    };
    let unusable = |error: RustlsError| TlsError::Handshake(error.to_string());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(judge);
    match &choices.client {
        None => Ok(builder.with_no_client_auth()),
        Some(client) => builder
            .with_client_auth_cert(client.chain.clone(), client.key.clone_key())
            .map_err(unusable),
    }
}

/// Judges certificates, and remembers what it did not like.
#[derive(Debug)]
struct Judge {
    provider: Arc<CryptoProvider>,
    system: Option<rustls_platform_verifier::Verifier>,
    pinned: Option<[u8; 32]>,
    found: Mutex<Option<Untrusted>>,
}

impl Judge {
    fn new(provider: &Arc<CryptoProvider>, choices: &TlsChoices) -> Result<Self, TlsError> {
        let system = match choices.anything {
            true => None,
            false => {
                let roots = choices.roots.iter().cloned();
                let made = rustls_platform_verifier::Verifier::new_with_extra_roots(
                    roots,
                    Arc::clone(provider),
                );
                Some(made.map_err(|error| TlsError::Handshake(error.to_string()))?)
            }
        };
        Ok(Self {
            provider: Arc::clone(provider),
            system,
            pinned: choices.pinned,
            found: Mutex::default(),
        })
    }

    /// Remembers what is wrong with a certificate.
    fn note(&self, why: &str, digest: [u8; 32]) -> RustlsError {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let why = why.to_owned();
        *found = Some(Untrusted { why, digest });
        RustlsError::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
    }

    /// What an error of a handshake means.
    fn explain(&self, error: io::Error) -> TlsError {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(untrusted) = found.take() {
            return TlsError::Certificate(untrusted);
        }
        let inner = error
            .get_ref()
            .and_then(|it| it.downcast_ref::<RustlsError>());
        match inner {
            Some(inner) => TlsError::Handshake(in_words(inner)),
            None => TlsError::Broken(error),
        }
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        let digest: [u8; 32] = Sha256::digest(end_entity).into();
        if let Some(pinned) = self.pinned {
            return match pinned == digest {
                true => Ok(ServerCertVerified::assertion()),
                // Even one that somebody vouches for.
                false => Err(self.note("it is not the one that was accepted before", digest)),
            };
        }
        let Some(system) = &self.system else {
            return Ok(ServerCertVerified::assertion());
        };
        let judged =
            system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        judged.inspect_err(|error| {
            let _noted = self.note(&in_words(error), digest);
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// What went wrong, for people.
fn in_words(error: &RustlsError) -> String {
    let words = match error {
        RustlsError::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "it is not valid yet; is the clock of this machine right?"
            }
            CertificateError::UnknownIssuer => "nobody that this machine trusts has signed it",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "it is made out to another host"
            }
            CertificateError::BadSignature => "who is said to have signed it has not signed it",
            CertificateError::Revoked => "it was revoked",
            other => return format!("{other:?}"),
        },
        RustlsError::AlertReceived(_) | RustlsError::PeerIncompatible(_) => {
            return format!("{error}; servers that know only TLS 1.1 and earlier cannot be used");
        }
        RustlsError::InvalidMessage(_) => "the server does not speak TLS on this port",
        other => return other.to_string(),
    };
    words.to_owned()
}

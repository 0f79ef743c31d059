//! Certificates: which are good, what is told of those that are not, and what a user who accepts one gets.

use std::path::Path;
use std::sync::Arc;

use mugo::backend::event::Event;
use mugo::backend::request::Request;
use mugo::mail::name::MailboxName;
use mugo::mail::question::{About, CertificateShown, Reply};
use mugo::os::network::{AccountChoice, Network};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::desk::Desk;
use crate::home::Home;
use crate::script::Script;

/// One that signs certificates, and whose own is in a file.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key (PEM).
struct Signed {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let folder = tempfile::tempdir().expect("a folder");
        let own = params.self_signed(&key).expect("signed");
        std::fs::write(folder.path().join("ca.pem"), own.pem()).expect("written");
        Self {
            folder,
            issuer: Issuer::new(params, key),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for this host, valid in these years.
    fn sign(&self, host: &str, (first, last): (i32, i32)) -> Signed {
        let (params, key) = certificate(host, (first, last));
        let signed = params.signed_by(&key, &self.issuer).expect("signed");
        Signed {
            certificate: signed.pem(),
            key: key.serialize_pem(),
        }
    }
}

fn certificate(host: &str, (first, last): (i32, i32)) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
    params.not_before = date_time_ymd(first, 1, 1);
    params.not_after = date_time_ymd(last, 12, 31);
    (params, KeyPair::generate().expect("a key"))
}

/// Years in which this test runs.
const NOW: (i32, i32) = (2020, 2090);

fn alone(host: &str) -> Signed {
    let (params, key) = certificate(host, NOW);
    Signed {
        certificate: params.self_signed(&key).expect("signed").pem(),
        key: key.serialize_pem(),
    }
}

impl Signed {
    fn chain(&self) -> Vec<CertificateDer<'static>> {
        let found = CertificateDer::pem_slice_iter(self.certificate.as_bytes());
        found.collect::<Result<_, _>>().expect("certificates")
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a key")
    }

    fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.chain()[0]);
        let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        bytes.join(":")
    }

    fn server(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder
            .with_safe_default_protocol_versions()
            .expect("versions");
        let config = builder.with_no_client_auth();
        let config = config.with_single_cert(self.chain(), self.key());
        Arc::new(config.expect("a configuration"))
    }
}

/// Lets anybody in who logs in with PLAIN, and opens an empty mailbox.
const INSIDE: &str = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\n\
    C: TAG *\nS: TAG OK [CAPABILITY IMAP4rev1] in\n\
    C: TAG *\nS: * STATUS INBOX (MESSAGES 3 RECENT 0 UNSEEN 1 UIDNEXT 9 UIDVALIDITY 5)\nS: TAG OK\nCLOSE\n";

fn implicit(signed: &Signed) -> Script {
    Script::play_with(&format!("TLS\n{INSIDE}"), Some(signed.server()))
}

fn by_starttls(signed: &Signed) -> Script {
    let before = "S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi\nC: TAG STARTTLS\nS: TAG OK\nTLS\n";
    // The capabilities are asked for anew.
    let inside = INSIDE.replacen(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi",
        "C: TAG CAPABILITY\nS: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\nS: TAG OK",
        1,
    );
    Script::play_with(&format!("{before}{inside}"), Some(signed.server()))
}

fn settings(roots: &Path) -> String {
    format!(
        "[network]\ncertificates = \"{}\"\n[accounts.it]\nserver = \"{{localhost/user=ann}}\"\n\
         password-command = [\"echo\", \"hunter2\"]\n",
        roots.display()
    )
}

fn was_told_a_secret(script: &Script) -> bool {
    let heard = script.heard();
    heard
        .iter()
        .any(|line| line.contains("AUTHENTICATE") || line.contains("LOGIN"))
}

#[test]
fn only_a_good_certificate_is_good() {
    let (ours, other) = (Authority::new(), Authority::new());
    let home = Home::new(&settings(&ours.path()));
    for (what, signed, why) in [
        ("good", ours.sign("localhost", NOW), None),
        (
            "too old",
            ours.sign("localhost", (2001, 2005)),
            Some("expired"),
        ),
        (
            "too young",
            ours.sign("localhost", (2080, 2090)),
            Some("not valid yet"),
        ),
        (
            "for somebody else",
            ours.sign("mail.example.org", NOW),
            Some("another host"),
        ),
        (
            "of another authority",
            other.sign("localhost", NOW),
            Some("signed"),
        ),
        ("of nobody", alone("localhost"), Some("signed")),
    ] {
        for (script, switch) in [(implicit(&signed), "/ssl"), (by_starttls(&signed), "/tls")] {
            let ran = home.run(&["status", &script.name(switch)]);
            let Some(why) = why else {
                assert_eq!(ran.code, 0, "{what} {switch}: {ran:?}");
                assert!(ran.out.contains("3 messages"), "{ran:?}");
                continue;
            };
            assert_ne!(ran.code, 0, "{what} {switch}: {ran:?}");
            assert!(ran.err.contains(why), "{what} {switch}: {ran:?}");
            assert!(ran.err.contains(&signed.fingerprint()), "{what}: {ran:?}");
            assert!(!was_told_a_secret(&script), "{what}: {:?}", script.heard());
            // Who says so goes on, and says so each time.
            let ran = home.run(&["status", &script.name(&format!("{switch}/novalidate-cert"))]);
            assert_eq!(ran.code, 0, "{what} {switch}: {ran:?}");
            let ran = home.run(&["status", &script.name(switch)]);
            assert_ne!(ran.code, 0, "{what} {switch}: {ran:?}");
        }
    }
}

fn desk() -> Desk {
    Desk::new(Network {
        accounts: vec![AccountChoice {
            host: "localhost".to_owned(),
            user: Some("ann".to_owned()),
            password_command: vec!["echo".to_owned(), "hunter2".to_owned()],
            ..AccountChoice::default()
        }],
        ..Network::default()
    })
}

/// What was asked when a mailbox was counted, and whether that was done.
fn counted(desk: &mut Desk, script: &Script) -> (bool, Vec<CertificateShown>) {
    let name = script.name("/ssl");
    let name = MailboxName::parse(name.as_bytes()).expect("a name");
    let (result, events) = desk.ask(Request::Status(name));
    let asked = events.into_iter().filter_map(|event| match event {
        Event::Question(_, question) => match question.about {
            About::Certificate(shown) => Some(shown),
            _ => None,
        },
        _ => None,
    });
    (result.is_ok(), asked.collect())
}

#[test]
fn a_certificate_that_was_accepted_is_known_again_and_no_other_is() {
    let signed = alone("localhost");
    let script = implicit(&signed);
    let mut desk = desk();
    // Who says no is asked again.
    let (done, asked) = counted(&mut desk, &script);
    assert!(!done);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].fingerprint, signed.fingerprint());
    assert!(!asked[0].has_changed);
    assert!(!was_told_a_secret(&script));
    desk.replies.push_back(Reply::Trust);
    let (done, asked) = counted(&mut desk, &script);
    assert!(done && asked.len() == 1);
    // Without a connection that waits: it is made anew each time, for the script ends each.
    let (done, asked) = counted(&mut desk, &script);
    assert!(done && asked.is_empty());
    // Another certificate at the same port is a change.
    let another = alone("localhost");
    script.present(another.server());
    let (done, asked) = counted(&mut desk, &script);
    assert!(!done);
    assert_eq!(asked.len(), 1);
    assert!(asked[0].has_changed);
    assert_eq!(asked[0].fingerprint, another.fingerprint());
    // Another port is another server.
    let elsewhere = implicit(&signed);
    let (_, asked) = counted(&mut desk, &elsewhere);
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].has_changed);
    script.present(signed.server());
    let (done, asked) = counted(&mut desk, &script);
    assert!(done && asked.is_empty());
}

#[test]
fn a_user_who_has_a_certificate_logs_in_with_it() {
    let ours = Authority::new();
    let (server, ann) = (ours.sign("localhost", NOW), ours.sign("ann", NOW));
    let mut roots = rustls::RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(ours.path()).expect("a file") {
        roots.add(root.expect("a certificate")).expect("added");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let wants = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder
        .with_safe_default_protocol_versions()
        .expect("versions");
    let config = builder.with_client_cert_verifier(wants.build().expect("a verifier"));
    let config = config.with_single_cert(server.chain(), server.key());
    let config = Arc::new(config.expect("a configuration"));
    let inside = INSIDE.replace("AUTH=PLAIN", "AUTH=PLAIN AUTH=EXTERNAL");
    let script = Script::play_with(&format!("TLS\n{inside}"), Some(config));
    let home = Home::new("");
    let (certificate, key) = (
        home.write("ann.pem", &ann.certificate),
        home.write("ann.key", &ann.key),
    );
    let with = |key: &Path| {
        format!(
            "{}certificate = \"{}\"\nkey = \"{}\"\n",
            settings(&ours.path()).replace("password-command = [\"echo\", \"hunter2\"]\n", ""),
            certificate.display(),
            key.display()
        )
    };
    home.write("config.toml", &with(&key));
    let ran = home.run(&["status", &script.name("/ssl")]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let heard = script.heard();
    // The user's name in base64.
    assert!(
        heard.contains(&"AUTHENTICATE EXTERNAL YW5u".to_owned()),
        "{heard:?}"
    );
    // A key that others may read is none.
    let open = home.write("open.key", &ann.key);
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&open, permissions).expect("opened");
    home.write("config.toml", &with(&open));
    let ran = home.run(&["status", &script.name("/ssl")]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("others may read it"), "{ran:?}");
    // Without one the server does not let us in.
    home.write("config.toml", &settings(&ours.path()));
    let ran = home.run(&["status", &script.name("/ssl")]);
    assert_ne!(ran.code, 0, "{ran:?}");
}

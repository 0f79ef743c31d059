//! From settings to what is known of servers.

use std::path::{Path, PathBuf};

use crate::cli::failure::USAGE;
use crate::config::settings::{Account, Settings};
use crate::mail::reason::in_words;
use crate::mail::server::{Server, ServerError};
use crate::mail::switches::Service;
use crate::mail::text::Foreign;
use crate::os::network::{AccountChoice, Network};
use crate::os::trace::Trace;
use crate::start::naming::expanded;
use crate::start::stop::Stop;

/// What the settings say of servers.
pub fn network(
    settings: &Settings,
    trace: Option<&Path>,
    home: Option<&Path>,
) -> Result<Network, Stop> {
    let below = |path: &Option<PathBuf>| path.as_ref().map(|path| expanded(path, home));
    let account = |(name, account): (&String, &Account)| {
        let server = server_of(&account.server)
            .map_err(|error| Stop::new(format!("accounts.{name}.server: {error}"), USAGE))?;
        Ok(AccountChoice {
            name: name.clone(),
            server: account.server.clone(),
            host: server.host().to_owned(),
            port: server.port(),
            user: server.user().map(str::to_owned),
            password_command: account.password_command.clone(),
            password_file: below(&account.password_file),
            token_command: account.token_command.clone(),
            connect_command: account.connect_command.clone(),
            certificate: below(&account.certificate),
            key: below(&account.key),
            disabled: account.disable.clone(),
        })
    };
    let accounts: Result<Vec<AccountChoice>, Stop> =
        settings.accounts.iter().map(account).collect();
    Ok(Network {
        accounts: accounts?,
        certificates: below(&settings.network.certificates),
        clear_text_hosts: settings.network.clear_text_hosts.clone(),
        trace: trace.map_or_else(|| Ok(Trace::default()), into_file)?,
    })
}

fn into_file(path: &Path) -> Result<Trace, Stop> {
    Trace::into_file(path).map_err(|error| {
        let path = Foreign::new(path.to_string_lossy()).field();
        Stop::new(
            format!("--trace {}: {}", path.as_str(), in_words(&error)),
            USAGE,
        )
    })
}

/// The server that `{…}` names.
fn server_of(text: &str) -> Result<Server, ServerError> {
    let inside = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    Server::parse(
        inside.ok_or(ServerError::Unclosed)?.as_bytes(),
        Service::Imap,
    )
}

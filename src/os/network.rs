//! What the user says of servers: accounts, and whom else to trust.

use std::path::PathBuf;

use crate::os::trace::Trace;

/// What the user says of servers.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Network {
    /// The accounts.
    pub accounts: Vec<AccountChoice>,
    /// A file of certificates (PEM) whose owners vouch for servers, beside those that the system has.
    pub certificates: Option<PathBuf>,
    /// Hosts to which clear text is sent where a name says `/notls`.
    pub clear_text_hosts: Vec<String>,
    /// What is said.
    pub trace: Trace,
}

/// An account on a server.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AccountChoice {
    /// What the user calls it.
    pub name: String,
    /// The server part of names there, `{imap.example.org/user=ann}`.
    pub server: String,
    /// The server's host, as names of mailboxes have it.
    pub host: String,
    /// Its port, where only this one is meant.
    pub port: Option<u16>,
    /// The user there.
    pub user: Option<String>,
    /// The program that prints the password, with its arguments.
    pub password_command: Vec<String>,
    /// The file whose first line is the password; nobody else may read it.
    pub password_file: Option<PathBuf>,
    /// The program that prints an OAuth token, with its arguments.
    pub token_command: Vec<String>,
    /// The program that speaks with the server in place of a connection, with its arguments.
    pub connect_command: Vec<String>,
    /// The user's certificate and its key (PEM).
    pub certificate: Option<PathBuf>,
    /// The key, where it is in a file of its own.
    pub key: Option<PathBuf>,
    /// Abilities of the server that are not used.
    pub disabled: Vec<String>,
}

impl Network {
    /// The account for `user` on this host and port; without a user the first one there.
    pub fn account(
        &self,
        host: &str,
        port: Option<u16>,
        user: Option<&str>,
    ) -> Option<&AccountChoice> {
        self.accounts.iter().find(|account| {
            let same_host = account.host.eq_ignore_ascii_case(host);
            let same_port = port.is_none() || account.port.is_none() || account.port == port;
            let same_user =
                user.is_none() || account.user.is_none() || account.user.as_deref() == user;
            same_host && same_port && same_user
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_what_a_name_says() {
        let account = |host: &str, port, user: Option<&str>| AccountChoice {
            name: format!("{host} {port:?} {user:?}"),
            host: host.to_owned(),
            port,
            user: user.map(str::to_owned),
            ..AccountChoice::default()
        };
        let network = Network {
            accounts: vec![
                account("a.example", None, Some("ann")),
                account("a.example", Some(1993), Some("bob")),
                account("b.example", None, None),
            ],
            ..Network::default()
        };
        for (host, port, user, expected) in [
            ("A.example", None, None, Some(0)),
            ("a.example", None, Some("bob"), Some(1)),
            ("a.example", Some(993), Some("bob"), None),
            ("b.example", Some(7), Some("eve"), Some(2)),
            ("c.example", None, None, None),
        ] {
            let found = network.account(host, port, user);
            assert_eq!(
                found,
                expected.map(|it: usize| &network.accounts[it]),
                "{host}"
            );
        }
    }
}

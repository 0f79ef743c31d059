//! `create`, `delete`, `rename`, `subscribe`, `unsubscribe`: verbs over names, with nothing to print.

use std::ffi::OsStr;

use crate::backend::request::Request;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::open::{mailbox_name, new_name};

/// Makes a mailbox.
pub fn create(client: &mut Client, mailbox: &OsStr, format: Option<&str>) -> Result<(), Failure> {
    send(client, Request::Create(new_name(mailbox, format)?))
}

/// Removes a mailbox.
pub fn delete(client: &mut Client, mailbox: &OsStr) -> Result<(), Failure> {
    send(client, Request::Delete(mailbox_name(mailbox)?))
}

/// Renames a mailbox.
pub fn rename(client: &mut Client, from: &OsStr, to: &OsStr) -> Result<(), Failure> {
    send(
        client,
        Request::Rename(mailbox_name(from)?, mailbox_name(to)?),
    )
}

/// Adds a name to the subscriptions, or takes it away.
pub fn subscribe(client: &mut Client, mailbox: &OsStr, wanted: bool) -> Result<(), Failure> {
    send(client, Request::Subscribe(mailbox_name(mailbox)?, wanted))
}

fn send(client: &mut Client, request: Request) -> Result<(), Failure> {
    client.request(request, &mut |_| Ok(()))
}

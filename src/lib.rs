//! Mugo, a terminal mail client in the tradition of Pine. This is the map of the house.
//!
//! # Floors
//!
//! A module imports only from lower floors, and from files of its own floor that do not import it back. The test
//! `tests/layers.rs` reads the source and fails on any other arrow and on any circle of files.
//!
//! ```text
//! 7  start     (main.rs)          arguments, settings, environment; chooses a face; exit status
//! 6  tui          cli             two faces of one backend; neither knows the other
//! 5  backend                      names to drivers, open mailboxes, requests down and events up
//! 4  driver                       reading and writing mailboxes, a driver for each way of keeping mail
//! 3  net          present         connections and TLS; mail as plain text lines, for both faces
//! 2  wire  mime   config          languages of servers; message bytes and their structure; settings
//! 1  mail         os              the words of mail, without I/O; files, locks, journal, homes
//! ```
//!
//! The arrows: start → tui, cli, backend, config, os, mail · tui → backend, present, mime, mail · cli → backend,
//! present, mail · backend → driver, mime, os, mail · driver → net, wire, os, mail · net → wire, mail · present → mime,
//! mail · wire → mail · mime → mail · config → mail · mail and os import nothing of ours. Sending will bring `submit`; the
//! test knows its place already.
//!
//! `mod.rs` only declares. A type is imported from the file that defines it. Libraries have keepers: mail-parser and
//! html2text are called in [`mime`] and nowhere else, ratatui and crossterm in [`tui`], rustls in [`net`], rsasl in [`wire`].
//!
//! # The rooms
//!
//! - [`mail`] is vocabulary: names, UIDs, flags, envelopes, changes. Plain data, no clock, no globals. Text from mail,
//!   files and servers is a [`Foreign`](mail::text::Foreign), which cannot be displayed; it becomes
//!   [`Printable`](mail::text::Printable) through one function, and only that reaches a screen or a pipe.
//! - [`os`] lends what the operating system has: the one file layer through which every mail file is opened, read,
//!   written, synced and locked; the redo journal, which makes a rewrite survive a kill or a power loss at any point; the
//!   [`Environment`](os::environment::Environment), one value made at the start that says where and as whom we run.
//! - [`driver`] holds the contract ([`driver::contract`]) and the drivers. Local ones are plain blocking code that knows
//!   neither tokio nor the screen; ones for servers are async. `driver::layout` holds engines that formats share.
//! - [`wire`] knows the languages of servers as bytes: what comes in is cut and understood, commands are written, logins
//!   answered. It opens no socket and never waits.
//! - [`net`] connects: names and addresses, TLS, who vouches for a server.
//! - [`mime`] reads messages: envelope, body structure, and the [`Document`](mime::document::Document) that a reader sees.
//! - [`present`] makes index lines and message text of them, the same for the screen and for scripts.
//! - [`backend`] finds the driver of a name, serves each open mailbox in a loop of its own, searches and sorts.
//! - [`cli`] is one verb a file: read arguments, one or two client calls, print. Its JSON is a contract of its own.
//! - [`tui`] is a pure function in the middle: (state, message) → effects; (state, theme) → frame.
//! - [`config`] reads settings and tells mistakes with file, line and the nearest right word.
//! - [`start`] is what `main` does.
//!
//! # A request's way
//!
//! A face mints a [`Ticket`](backend::request::Ticket) and asks: `backend.ask(ticket, Request::Open { .. })`. The
//! backend resolves the name to a place, lets the drivers probe it, and starts a thread (for files) or a task (for
//! servers) that owns the open mailbox. From there come [`Event`](backend::event::Event)s on one common stream: `Change`s
//! as the driver finds messages, `Progress`, and last `Finished` with the ticket. Reading, flagging, expunging go the same
//! way: one trip down, one stream up. Nothing is asked twice, and no lower room calls a higher one.
//!
//! # Laws
//!
//! The contract suite in `tests/drivers` holds every driver to these:
//!
//! 1. Change carries state, Piece carries content, Finished only ends. Flags, arrivals and expunges reach a face only as
//!    a [`Change`](mail::change::Change), whoever caused them; both faces fold them with
//!    [`MessageList::apply`](mail::message_list::MessageList::apply).
//! 2. Opening is arrival: new mail later is the same event.
//! 3. All events that a request caused come before its `Finished`; each ticket finishes exactly once, also when it is
//!    cancelled, also when it is still queued as the mailbox closes. After `Expunged(u)`, `u` is never named again.
//! 4. Cancelling is a token: looked at while scanning and reading, never between the first byte written and the sync.
//! 5. A driver never calls upward, and holds no lock between jobs unless its format demands one.
//! 6. Mail between mailboxes never passes through a face.
//! 7. What is on disk is never less than what was there: a change is journalled, synced and only then told.
//!
//! # Where tests are
//!
//! Unit tests stand at the end of a file or in `NAME/tests.rs`. `tests/drivers` has the contract suite and each
//! format's own rules, `tests/storage` makes every single operation fail, `tests/cli` runs the program as scripts do.

pub mod backend;
pub mod cli;
pub mod config;
pub mod driver;
pub mod mail;
pub mod mime;
pub mod net;
pub mod os;
pub mod present;
pub mod start;
pub mod tui;
pub mod wire;

//! What is asked of a server without opening a mailbox: counts, names, making and removing, subscriptions.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::driver::error::Result;
use crate::driver::imap::connections::Connections;
use crate::driver::imap::missing::{Named, answered};
use crate::driver::imap::session::{LONG_PATIENCE, Nobody, Session, Sink, succeeded};
use crate::driver::job::Job;
use crate::driver::server_error::ServerError;
use crate::mail::listing::{Attribute, ListEntry, Root, SpecialUse, matches};
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::status::MailboxStatus;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidValidity};
use crate::wire::imap::command::Command;
use crate::wire::imap::level::Level;
use crate::wire::imap::names::decoded;
use crate::wire::imap::response::{Counts, Data, Listed};
use crate::wire::imap::status::Kind;

/// Counts a mailbox.
pub async fn status(
    connections: &Connections,
    named: Named<'_>,
    job: &Job,
) -> Result<MailboxStatus> {
    let mut session = connections.session(job).await?;
    let counted = count(&mut session, named, job).await;
    connections.give_back(session, job).await;
    counted
}

async fn count(session: &mut Session, named: Named<'_>, job: &Job) -> Result<MailboxStatus> {
    let level = session.style.level;
    if level < Level::Imap4rev1 {
        return count_by_opening(session, named, job).await;
    }
    // The second version knows no recent messages.
    let items = match level {
        Level::Imap4rev2 => "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY)",
        _ => "(MESSAGES RECENT UNSEEN UIDNEXT UIDVALIDITY)",
    };
    let command = session
        .command("STATUS")
        .string(&session.name_of(named.mailbox))
        .word(items);
    let mut told = Told::default();
    let status = session.run(command, &mut told, job).await?;
    answered(session, status, named, job).await?;
    let Some(counts) = told.counts else {
        return Err(session.breaks("it counts nothing"));
    };
    Ok(MailboxStatus {
        driver: "imap",
        messages: counts.messages.unwrap_or(0),
        recent: counts.recent.unwrap_or(0),
        unseen: counts.unseen.unwrap_or(0),
        uid_next: counts.uid_next.and_then(Uid::new),
        uid_validity: counts.uid_validity.and_then(UidValidity::new),
    })
}

/// Counts on a server that has no words for it.
async fn count_by_opening(
    session: &mut Session,
    named: Named<'_>,
    job: &Job,
) -> Result<MailboxStatus> {
    let verb = if session.style.level.manages() {
        "EXAMINE"
    } else {
        "SELECT"
    };
    let name = session.name_of(named.mailbox).into_owned();
    let mut told = Told::default();
    let open = session.command(verb).string(&name);
    let mut status = session.run(open, &mut told, job).await?;
    if status.kind == Kind::Bad {
        // IMAP2 knows no EXAMINE, and does not say that it is IMAP2.
        let open = session.command("SELECT").string(&name);
        status = session.run(open, &mut told, job).await?;
    }
    answered(session, status, named, job).await?;
    let search = session.command("SEARCH UNSEEN");
    succeeded(session.run(search, &mut told, job).await?)?;
    let closing = match session.style.level {
        Level::Imap4 => session.command("CLOSE"),
        // Another mailbox is opened when one is needed.
        _ => session.command("NOOP"),
    };
    session.run(closing, &mut Nobody, job).await?;
    Ok(MailboxStatus {
        driver: "imap",
        messages: told.exists,
        recent: told.recent,
        unseen: told.found,
        uid_next: None,
        uid_validity: None,
    })
}

/// Which names are wanted.
pub struct WantedNames<'w> {
    /// The server part as the user typed it, `{…}`.
    pub server: &'w [u8],
    /// The pattern behind it.
    pub pattern: &'w [u8],
    /// Only subscribed ones.
    pub subscribed: bool,
}

/// Tells the mailboxes whose names match, in the server's order.
pub async fn list(
    connections: &Connections,
    wanted: &WantedNames<'_>,
    job: &Job,
) -> Result<Vec<ListEntry>> {
    let mut session = connections.session(job).await?;
    let listed = names(&mut session, wanted, job).await;
    connections.give_back(session, job).await;
    listed
}

async fn names(
    session: &mut Session,
    wanted: &WantedNames<'_>,
    job: &Job,
) -> Result<Vec<ListEntry>> {
    let pattern = session.name_of(wanted.pattern).into_owned();
    let level = session.style.level;
    let mut listing = Listing {
        wanted,
        found: Vec::new(),
        seen: BTreeSet::new(),
        is_plain: session.style.level == Level::Imap4rev2,
        unusable: 0,
    };
    if level >= Level::Imap4 {
        let verb = match wanted.subscribed {
            true if level == Level::Imap4rev2 => "LIST (SUBSCRIBED)",
            true => "LSUB",
            false => "LIST",
        };
        let command = |session: &Session| session.command(verb).quoted(b"").pattern(&pattern);
        let tells_uses = session.has("LIST-EXTENDED") && session.has("SPECIAL-USE");
        let mut status = None;
        if !wanted.subscribed && (tells_uses || level == Level::Imap4rev2) {
            let command = command(session).word("RETURN (CHILDREN SPECIAL-USE)");
            status = Some(session.run(command, &mut listing, job).await?);
        }
        // Some say that they can and then cannot.
        if status.as_ref().is_none_or(|it| it.kind == Kind::Bad) {
            let command = command(session);
            status = Some(session.run(command, &mut listing, job).await?);
        }
        status.map_or(Ok(()), |status| succeeded(status).map(|_ended| ()))?;
    } else {
        find(session, &pattern, &mut listing, job).await?;
    }
    if listing.unusable > 0 {
        let count = listing.unusable;
        job.notice(format!("{count} names on the server cannot be names here"));
    }
    Ok(listing.found)
}

/// Counts the messages that were not read, of all mailboxes that match, and tells them as they come: with one question where
/// the server takes one (LIST-STATUS, RFC 5819), else with one for each, several at once. Those before RFC 3501 would have
/// to open each mailbox, and are not asked.
pub async fn unseen(
    connections: &Connections,
    wanted: &WantedNames<'_>,
    found: &mut (dyn FnMut(Vec<(MailboxName, u32)>) + Send),
    job: &Job,
) -> Result<()> {
    let mut session = connections.session(job).await?;
    let counted = count_all(&mut session, wanted, found, job).await;
    connections.give_back(session, job).await;
    counted
}

async fn count_all(
    session: &mut Session,
    wanted: &WantedNames<'_>,
    found: &mut (dyn FnMut(Vec<(MailboxName, u32)>) + Send),
    job: &Job,
) -> Result<()> {
    let level = session.style.level;
    if level < Level::Imap4rev1 {
        return Ok(());
    }
    let is_plain = level == Level::Imap4rev2;
    let mut counting = Counting {
        server: wanted.server,
        is_plain,
        batch: Vec::new(),
        found,
    };
    let at_once = session.has("LIST-STATUS") && session.has("LIST-EXTENDED");
    if at_once || is_plain {
        let pattern = session.name_of(wanted.pattern).into_owned();
        let command = session.command("LIST").quoted(b"").pattern(&pattern);
        let command = command.word("RETURN (STATUS (UNSEEN))");
        let status = session
            .run_within(LONG_PATIENCE, command, &mut counting, job)
            .await?;
        if status.kind == Kind::Ok {
            return Ok(());
        }
    }
    let all = names(session, wanted, job).await?;
    let can_be_counted = |entry: &&ListEntry| !entry.attributes.contains(&Attribute::NoSelect);
    let countable: Vec<&ListEntry> = all.iter().filter(can_be_counted).collect();
    for some in countable.chunks(AT_ONCE) {
        let mut commands = Vec::new();
        for entry in some {
            if let NameKind::Remote { mailbox, .. } = entry.name.kind() {
                let name = session.name_of(mailbox).into_owned();
                commands.push(session.command("STATUS").string(&name).word("(UNSEEN)"));
            }
        }
        // One that is gone since, or refused, is no reason not to count the others.
        session.run_all(commands, &mut counting, job).await?;
    }
    Ok(())
}

/// The words of servers before IMAP4. What they list is looked through here, for they have one wildcard only.
async fn find(
    session: &mut Session,
    pattern: &[u8],
    listing: &mut Listing<'_>,
    job: &Job,
) -> Result<()> {
    let wide: Vec<u8> = pattern
        .iter()
        .map(|&it| if it == b'%' { b'*' } else { it })
        .collect();
    let find = |session: &Session, words: &str| session.command(words).pattern(&wide);
    if !listing.wanted.subscribed {
        let command = find(session, "FIND ALL.MAILBOXES");
        let status = session.run(command, listing, job).await?;
        if status.kind != Kind::Bad {
            return succeeded(status).map(|_ended| ());
        }
    }
    let command = find(session, "FIND MAILBOXES");
    succeeded(session.run(command, listing, job).await?).map(|_ended| ())
}

/// What parts the levels of names on the server.
pub async fn root(connections: &Connections, server: &[u8], job: &Job) -> Result<Root> {
    let mut session = connections.session(job).await?;
    let wanted = WantedNames {
        server,
        pattern: b"",
        subscribed: false,
    };
    let mut told = Told::default();
    let asked = match session.style.level >= Level::Imap4 {
        true => {
            let command = session.command("LIST").quoted(b"").quoted(b"");
            session.run(command, &mut told, job).await.map(|_ended| ())
        }
        false => Ok(()),
    };
    connections.give_back(session, job).await;
    asked?;
    Ok(Root {
        name: Foreign::new(String::from_utf8_lossy(wanted.server)),
        delimiter: told.delimiter.map_or('/', char::from),
    })
}

/// Makes a mailbox.
pub async fn create(connections: &Connections, named: Named<'_>, job: &Job) -> Result<()> {
    change(connections, named, job, "make mailboxes", |session| {
        session
            .command("CREATE")
            .string(&session.name_of(named.mailbox))
    })
    .await
}

/// Removes a mailbox with all that is in it.
pub async fn delete(connections: &Connections, named: Named<'_>, job: &Job) -> Result<()> {
    change(connections, named, job, "remove mailboxes", |session| {
        session
            .command("DELETE")
            .string(&session.name_of(named.mailbox))
    })
    .await
}

/// Gives a mailbox another name on its server.
pub async fn rename(
    connections: &Connections,
    from: Named<'_>,
    to: &[u8],
    job: &Job,
) -> Result<()> {
    change(connections, from, job, "rename mailboxes", |session| {
        let command = session
            .command("RENAME")
            .string(&session.name_of(from.mailbox));
        command.string(&session.name_of(to))
    })
    .await
}

/// Adds to or takes from the subscriptions that the server keeps.
pub async fn subscribe(
    connections: &Connections,
    named: Named<'_>,
    is_wanted: bool,
    job: &Job,
) -> Result<()> {
    let verb = if is_wanted {
        "SUBSCRIBE"
    } else {
        "UNSUBSCRIBE"
    };
    change(connections, named, job, "keep subscriptions", |session| {
        let words = match session.style.level >= Level::Imap4 {
            true => verb.to_owned(),
            false => format!("{verb} MAILBOX"),
        };
        session
            .command(&words)
            .string(&session.name_of(named.mailbox))
    })
    .await
}

async fn change(
    connections: &Connections,
    named: Named<'_>,
    job: &Job,
    what: &'static str,
    command: impl FnOnce(&Session) -> Command,
) -> Result<()> {
    let mut session = connections.session(job).await?;
    let outcome = if session.style.level.manages() {
        let command = command(&session);
        match session.run(command, &mut Nobody, job).await {
            Ok(status) if status.kind == Kind::Bad => Err(ServerError::Unable(what).into()),
            Ok(status) => answered(&mut session, status, named, job).await.map(|_| ()),
            Err(error) => Err(error),
        }
    } else {
        Err(ServerError::Unable(what).into())
    };
    connections.give_back(session, job).await;
    outcome
}

/// Takes counts in.
#[derive(Default)]
struct Told {
    counts: Option<Counts<'static>>,
    exists: u32,
    recent: u32,
    found: u32,
    delimiter: Option<u8>,
}

impl Sink for Told {
    fn data(&mut self, data: Data<'_>) {
        match data {
            Data::MailboxStatus(counts) => {
                self.counts = Some(Counts {
                    name: counts.name.into_owned().into(),
                    ..counts
                });
            }
            Data::Exists(count) => self.exists = count,
            Data::Recent(count) => self.recent = count,
            Data::Search(found) => self.found = u32::try_from(found.len()).unwrap_or(u32::MAX),
            Data::List(listed) => self.delimiter = listed.delimiter.filter(u8::is_ascii),
            _ => {}
        }
    }
}

/// Takes names in.
struct Listing<'w> {
    wanted: &'w WantedNames<'w>,
    found: Vec<ListEntry>,
    seen: BTreeSet<Vec<u8>>,
    /// Whether names are told as they are.
    is_plain: bool,
    unusable: u32,
}

/// Takes in how many messages of each mailbox were not read.
struct Counting<'c> {
    server: &'c [u8],
    is_plain: bool,
    batch: Vec<(MailboxName, u32)>,
    found: &'c mut (dyn FnMut(Vec<(MailboxName, u32)>) + Send),
}

impl Sink for Counting<'_> {
    fn data(&mut self, data: Data<'_>) {
        let Data::MailboxStatus(counts) = data else {
            return;
        };
        let plain = match self.is_plain {
            true => Cow::Borrowed(&*counts.name),
            false => decoded(&counts.name),
        };
        let name = MailboxName::parse(&[self.server, &plain].concat());
        if let (Ok(name), Some(unseen)) = (name, counts.unseen) {
            self.batch.push((name, unseen));
        }
    }

    fn pause(&mut self) {
        if !self.batch.is_empty() {
            (self.found)(std::mem::take(&mut self.batch));
        }
    }
}

/// So many counts are asked for at once.
const AT_ONCE: usize = 10;
/// More names than these are not kept.
const MOST: usize = 1_000_000;

impl Sink for Listing<'_> {
    fn data(&mut self, data: Data<'_>) {
        if let Data::List(listed) = data {
            self.take(&listed);
        }
    }
}

impl Listing<'_> {
    fn take(&mut self, listed: &Listed<'_>) {
        let plain = match self.is_plain {
            true => Cow::Borrowed(&*listed.name),
            false => decoded(&listed.name),
        };
        if !self.is_wanted(&plain, listed.delimiter) || self.found.len() >= MOST {
            return;
        }
        let whole = [self.wanted.server, &plain].concat();
        let Ok(name) = MailboxName::parse(&whole) else {
            self.unusable += 1;
            return;
        };
        if self.seen.insert(whole) {
            self.found.push(ListEntry {
                name,
                delimiter: delimiter(listed),
                attributes: attributes(&listed.attributes),
                description: None,
            });
        }
    }

    /// Whether a name is one that was asked for: some servers tell of others too.
    fn is_wanted(&self, name: &[u8], delimiter: Option<u8>) -> bool {
        let pattern = self.wanted.pattern;
        let is_inbox = name.eq_ignore_ascii_case(b"INBOX");
        let upper = pattern.to_ascii_uppercase();
        !name.is_empty()
            && (matches(pattern, name, delimiter)
                || (is_inbox && matches(&upper, b"INBOX", delimiter)))
    }
}

/// What parts the levels of a name; a sign beyond ASCII parts nothing.
fn delimiter(listed: &Listed<'_>) -> Option<char> {
    listed.delimiter.filter(u8::is_ascii).map(char::from)
}

fn attributes(names: &[String]) -> Vec<Attribute> {
    const KNOWN: [(&str, Attribute); 7] = [
        ("\\NoInferiors", Attribute::NoInferiors),
        ("\\NoSelect", Attribute::NoSelect),
        ("\\NonExistent", Attribute::NoSelect),
        ("\\Marked", Attribute::Marked),
        ("\\Unmarked", Attribute::Unmarked),
        ("\\HasChildren", Attribute::HasChildren),
        ("\\HasNoChildren", Attribute::HasNoChildren),
    ];
    let known = |name: &String| {
        let found = KNOWN.iter().find(|it| it.0.eq_ignore_ascii_case(name));
        found.map(|it| it.1)
    };
    let special = |name: &String| {
        let mut uses = SpecialUse::ALL.into_iter();
        let found = uses.find(|it| it.name().eq_ignore_ascii_case(name));
        found.map(Attribute::Use)
    };
    let all = names
        .iter()
        .filter_map(|name| known(name).or_else(|| special(name)));
    let mut all: Vec<Attribute> = all.collect();
    all.dedup();
    all
}

//! What is known of an open mailbox: what the server tells unasked and asked goes in, changes for the face come out.
//!
//! The server counts messages by numbers that move; here they become UIDs. Servers before IMAP4 have none: there each message
//! gets the next number as it arrives, for as long as the mailbox is open.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::driver::imap::sequence::Sequence;
use crate::driver::imap::session::Sink;
use crate::driver::job::Job;
use crate::mail::change::Change;
use crate::mail::date::InternalDate;
use crate::mail::flags::{Flags, Keyword, SystemFlags};
use crate::mail::status::{Access, MailboxState};
use crate::mail::summary::Summary;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet, UidValidity};
use crate::wire::imap::fetch::Fetched;
use crate::wire::imap::response::{Data, Earlier};
use crate::wire::imap::status::{Code, Status};

/// How many arrivals are told at once.
const BATCH: usize = 500;
/// More messages than this are not waited for out of order.
const MOST_EARLY: usize = 10_000;
/// No mailbox holds more messages.
const MOST_MESSAGES: u32 = 20_000_000;
/// No mailbox has more keywords.
const MOST_KEYWORDS: usize = 1000;
/// More lists of keywords are not remembered.
const MOST_LISTS: usize = 10_000;

/// What was known of a mailbox when it was open last.
pub struct Recalled {
    /// Its messages.
    pub sequence: Sequence,
    /// Its mod-sequence.
    pub mod_seq: u64,
    /// Its UIDVALIDITY.
    pub validity: UidValidity,
    /// The UID that the next message would get.
    pub uid_next: Option<Uid>,
    /// The keywords that it had.
    pub keywords: Vec<Keyword>,
}

/// What is known of an open mailbox.
pub struct View {
    /// Its messages.
    pub sequence: Sequence,
    /// How many there are, as the server says.
    pub exists: u32,
    /// What it was asked for, and may be.
    pub access: Access,
    /// Its UIDVALIDITY.
    pub uid_validity: Option<UidValidity>,
    /// The UID of the next message.
    pub uid_next: Option<Uid>,
    /// Whether messages have UIDs of the server's.
    has_uids: bool,
    are_sticky: bool,
    keywords: Vec<Keyword>,
    flags_in_use: SystemFlags,
    permanent: Option<Vec<String>>,
    told: Option<MailboxState>,
    asked: Access,
    /// Messages that were told before those in front of them.
    early: BTreeMap<u32, Summary>,
    lists: HashMap<Vec<String>, Option<Arc<[Keyword]>>>,
    arrived: Vec<Summary>,
    flagged: BTreeMap<Uid, Flags>,
    measured: Vec<Summary>,
    gone: UidSet,
    /// Messages whose flags changed, where the change is not known.
    pub doubtful: UidSet,
    /// Whether messages are taken in of which no more is told than their UIDs and flags.
    pub takes_bare: bool,
    /// The highest mod-sequence up to which every change was told (RFC 7162); 0 where there is none.
    pub mod_seq: u64,
    /// Whether messages are told by their UIDs alone: their numbers are not known again yet.
    pub by_uid: bool,
    /// Whether its UIDs mean other messages than they did.
    pub has_other_uids: bool,
    /// Whether nothing is passed on yet.
    pub is_quiet: bool,
    /// What the server tells makes no sense: the mailbox has to be opened anew.
    pub is_lost: Option<&'static str>,
    /// What the server said last of where copies went.
    pub copied: Option<Code>,
    /// How many changes there were since what is known was kept.
    pub unkept: usize,
}

impl View {
    /// Nothing is known yet of a mailbox that shall be open so.
    pub fn new(asked: Access, has_uids: bool) -> Self {
        Self {
            sequence: Sequence::default(),
            exists: 0,
            access: asked,
            uid_validity: None,
            uid_next: None,
            has_uids,
            are_sticky: has_uids,
            keywords: Vec::new(),
            flags_in_use: SystemFlags::SETTABLE,
            permanent: None,
            told: None,
            asked,
            early: BTreeMap::new(),
            lists: HashMap::new(),
            arrived: Vec::new(),
            flagged: BTreeMap::new(),
            measured: Vec::new(),
            gone: UidSet::new(),
            doubtful: UidSet::new(),
            takes_bare: false,
            mod_seq: 0,
            by_uid: false,
            has_other_uids: false,
            is_quiet: false,
            is_lost: None,
            copied: None,
            unkept: 0,
        }
    }

    /// Takes in what was told.
    pub fn take(&mut self, data: Data<'_>) {
        match data {
            Data::Exists(count) => self.exist(count),
            Data::Expunge(number) => self.expunge(number),
            Data::Vanished(uids, Earlier::No) => {
                let gone = self.vanish(&uids);
                self.exists = self.exists.saturating_sub(gone);
            }
            // What is there was counted without them.
            Data::Vanished(uids, Earlier::Yes) => {
                self.vanish(&uids);
            }
            Data::Fetch(number, fetched) => self.fetched(number, fetched),
            Data::Flags(names) => self.use_flags(&names),
            Data::Status(status) => self.status(status),
            _ => {}
        }
    }

    /// Takes in a status, whether it ends a command or not.
    pub fn status(&mut self, status: Status) {
        match &status.code {
            Some(Code::UidValidity(number)) => {
                let new = UidValidity::new(*number);
                if self.uid_validity.is_some_and(|old| Some(old) != new) {
                    self.has_other_uids = true;
                }
                self.uid_validity = new;
            }
            Some(Code::UidNext(number)) => self.uid_next = Uid::new(*number),
            Some(Code::PermanentFlags(names)) => {
                self.define(names);
                self.permanent = Some(names.clone());
            }
            Some(Code::UidNotSticky) => self.are_sticky = false,
            Some(Code::ReadOnly) => self.access = Access::ReadOnly,
            Some(Code::ReadWrite) => self.access = self.asked,
            Some(Code::CopyUid(..)) => self.copied = status.code,
            Some(Code::HighestModSeq(number)) => self.mod_seq = *number,
            _ => {}
        }
    }

    /// How many messages were announced that nothing is known of.
    pub fn unknown(&self) -> u32 {
        let known = u32::try_from(self.sequence.len()).unwrap_or(u32::MAX);
        self.exists.saturating_sub(known)
    }

    /// Changes flags as a command did that the server has no more to say of.
    pub fn change_flags(&mut self, uids: &UidSet, change: impl Fn(&Flags) -> Flags) {
        let there: Vec<Uid> = match uids.len() < self.sequence.len() as u64 {
            true => uids.iter().collect(),
            false => self.sequence.uids().iter().collect(),
        };
        for uid in there {
            if !uids.contains(uid) {
                continue;
            }
            let Some(message) = self.sequence.message_mut(uid) else {
                continue;
            };
            let new = change(&message.flags);
            if new != message.flags {
                self.unkept += 1;
                message.flags = new.clone();
                self.flagged.insert(uid, new);
            }
        }
    }

    /// Passes on what changed.
    pub fn tell(&mut self, job: &Job) {
        if self.is_quiet {
            return;
        }
        self.tell_state(job);
        if !self.gone.is_empty() {
            job.emit(Change::Expunged(std::mem::take(&mut self.gone)));
        }
        if !self.measured.is_empty() {
            job.emit(Change::Measured(std::mem::take(&mut self.measured)));
        }
        if !self.flagged.is_empty() {
            let flagged = std::mem::take(&mut self.flagged);
            job.emit(Change::Flags(flagged.into_iter().collect()));
        }
        if !self.arrived.is_empty() {
            job.emit(Change::Arrived(std::mem::take(&mut self.arrived)));
        }
    }

    /// Passes on the state of the mailbox where it is another one than was told.
    pub fn tell_state(&mut self, job: &Job) {
        let state = self.state();
        if self.told.as_ref() != Some(&state) {
            self.told = Some(state.clone());
            job.emit(Change::State(Box::new(state)));
        }
    }

    /// What holds for the mailbox as a whole.
    pub fn state(&self) -> MailboxState {
        let why =
            (self.asked != self.access).then(|| Foreign::new("the server opened it read-only"));
        let (system, new_keywords) = self.permanent();
        MailboxState {
            driver: "imap",
            path: None,
            access: self.access,
            why_read_only: why,
            uid_validity: self.uid_validity.filter(|_| self.has_uids),
            uid_next: self.uid_next.filter(|_| self.has_uids),
            sticky_uids: self.are_sticky && self.uid_validity.is_some(),
            keywords: self.keywords.clone(),
            permanent_flags: system,
            new_keywords,
        }
    }

    /// The system flags that can be changed for good, and whether new keywords can. All in use where nothing is said (RFC 3501, 7.1).
    fn permanent(&self) -> (SystemFlags, bool) {
        let Some(names) = &self.permanent else {
            return (self.flags_in_use.only(SystemFlags::SETTABLE), false);
        };
        let system = names.iter().filter_map(|name| SystemFlags::named(name));
        let system = system.fold(SystemFlags::NONE, |all, one| all | one);
        let any = names.iter().any(|name| name == "\\*");
        (system.only(SystemFlags::SETTABLE), any)
    }

    fn exist(&mut self, count: u32) {
        if count > MOST_MESSAGES {
            self.is_lost = Some("it claims to hold more messages than can be");
            return;
        }
        if count < self.exists && !self.by_uid {
            // Without a word on which ones went.
            self.is_lost = Some("messages went without being named");
            return;
        }
        self.exists = count;
    }

    fn expunge(&mut self, number: u32) {
        if number == 0 || number > self.exists {
            return;
        }
        self.exists -= 1;
        // Messages that were only announced have no UID yet, and were not told.
        if let Some(gone) = self.sequence.remove(number) {
            self.forget(gone.uid);
        }
        let behind = self.early.split_off(&number);
        let moved = behind.into_iter().filter(|one| one.0 > number);
        self.early
            .extend(moved.map(|(place, summary)| (place - 1, summary)));
    }

    /// Messages are gone; tells how many of them were known.
    fn vanish(&mut self, uids: &UidSet) -> u32 {
        let gone = self.sequence.remove_all(uids);
        for uid in gone.iter() {
            self.forget(uid);
        }
        u32::try_from(gone.len()).unwrap_or(0)
    }

    /// Messages of which the server does not know any more are gone.
    pub fn keep_only(&mut self, there: &UidSet) {
        let mut gone = self.sequence.uids();
        gone.remove(there);
        self.vanish(&gone);
    }

    /// Begins with what is known from before.
    pub fn recall(&mut self, known: Recalled) {
        self.sequence = known.sequence;
        self.mod_seq = known.mod_seq;
        self.uid_validity = Some(known.validity);
        self.uid_next = known.uid_next;
        self.keywords = known.keywords;
    }

    /// A new connection: what was counted before does not count any more, what is known is known by UID.
    pub fn begin_again(&mut self) {
        self.exists = 0;
        self.by_uid = true;
        self.early.clear();
        self.copied = None;
        self.is_lost = None;
        self.has_other_uids = false;
        self.access = self.asked;
    }

    /// Forgets all messages, and says so to whom they were told.
    pub fn reset(&mut self, job: &Job) {
        self.unkept += self.sequence.len();
        self.sequence.clear();
        self.early.clear();
        self.arrived.clear();
        self.flagged.clear();
        self.measured.clear();
        self.gone = UidSet::new();
        self.doubtful = UidSet::new();
        self.uid_next = None;
        self.mod_seq = 0;
        self.has_other_uids = false;
        if !self.is_quiet {
            job.emit(Change::Reset);
        }
    }

    /// Tells of all messages, of which nothing was told before.
    pub fn tell_all(&mut self, job: &Job) {
        self.is_quiet = false;
        self.arrived.clear();
        self.flagged.clear();
        self.measured.clear();
        self.gone = UidSet::new();
        self.tell_state(job);
        let mut batch = Vec::with_capacity(BATCH);
        for summary in self.sequence.iter() {
            batch.push(summary.clone());
            if batch.len() == BATCH {
                job.emit(Change::Arrived(std::mem::take(&mut batch)));
            }
        }
        if !batch.is_empty() {
            job.emit(Change::Arrived(batch));
        }
    }

    /// A message is gone: nothing that waits to be told names it any more, unless it was never told at all.
    fn forget(&mut self, uid: Uid) {
        self.unkept += 1;
        self.flagged.remove(&uid);
        self.measured.retain(|summary| summary.uid != uid);
        let before = self.arrived.len();
        self.arrived.retain(|summary| summary.uid != uid);
        if before == self.arrived.len() {
            self.gone.insert(uid);
        }
    }

    fn fetched(&mut self, number: u32, fetched: Fetched<'_>) {
        if self.by_uid {
            return self.fetched_by_uid(&fetched);
        }
        if number == 0 || number > self.exists {
            return;
        }
        let flags = fetched.flags.as_deref().map(|names| self.flags(names));
        if number as usize <= self.sequence.len() {
            let Some(message) = self.sequence.at(number) else {
                return;
            };
            if self.has_uids && fetched.uid.is_some_and(|uid| uid != message.uid.get()) {
                self.is_lost = Some("a message has another UID than before");
                return;
            }
            let uid = message.uid;
            if let Some(flags) = flags {
                self.flag(uid, flags);
            }
            self.measure(uid, &fetched);
            return;
        }
        let uid = match self.has_uids {
            true => fetched.uid,
            // Numbers that were used are never used again.
            false => self.uid_next.map(Uid::get).or(Some(1)),
        };
        // Without a UID it is news of a message that was not asked for yet.
        let is_whole = fetched.size.is_some() || self.takes_bare;
        let flags = flags.or(self.takes_bare.then(Flags::default));
        let (Some(uid), Some(flags), true) = (uid.and_then(Uid::new), flags, is_whole) else {
            return;
        };
        let summary = Summary {
            uid,
            flags,
            internal_date: fetched.internal_date.unwrap_or(InternalDate::EPOCH),
            rfc822_size: fetched.size.unwrap_or(0),
        };
        self.arrive(number, summary);
    }

    fn fetched_by_uid(&mut self, fetched: &Fetched<'_>) {
        let flags = fetched.flags.as_deref().map(|names| self.flags(names));
        if let (Some(uid), Some(flags)) = (fetched.uid.and_then(Uid::new), flags) {
            self.flag(uid, flags);
        }
    }

    /// Takes in what was told of the date and size of a message.
    fn measure(&mut self, uid: Uid, fetched: &Fetched<'_>) {
        let Some(size) = fetched.size.filter(|&size| size > 0) else {
            return;
        };
        let date = fetched.internal_date.unwrap_or(InternalDate::EPOCH);
        self.learn(uid, date, size);
    }

    /// A message whose date and size were not known has these.
    pub fn learn(&mut self, uid: Uid, date: InternalDate, size: u64) {
        let message = self.sequence.message_mut(uid);
        let Some(message) = message.filter(|message| !message.is_measured()) else {
            return;
        };
        message.rfc822_size = size;
        message.internal_date = date;
        let message = message.clone();
        self.flagged.remove(&uid);
        match self.arrived.binary_search_by_key(&uid, |it| it.uid) {
            Ok(place) => {
                if let Some(waiting) = self.arrived.get_mut(place) {
                    *waiting = message;
                }
            }
            Err(_) => self.measured.push(message),
        }
    }

    /// Fills the view with messages of which no more is known than their UIDs and system flags.
    pub fn fill(&mut self, all: &UidSet, flagged: &[(SystemFlags, UidSet)]) {
        for uid in all.iter() {
            let has = |(flag, set): &(SystemFlags, UidSet)| set.contains(uid).then_some(*flag);
            let system = flagged.iter().filter_map(has);
            let system = system.fold(SystemFlags::NONE, |all, one| all | one);
            self.append(Summary {
                uid,
                flags: Flags::system(system),
                internal_date: InternalDate::EPOCH,
                rfc822_size: 0,
            });
        }
    }

    /// A message has these flags, if it is known.
    fn flag(&mut self, uid: Uid, flags: Flags) {
        let Some(message) = self.sequence.message_mut(uid) else {
            return;
        };
        if flags == message.flags {
            return;
        }
        self.unkept += 1;
        message.flags = flags.clone();
        match self.arrived.binary_search_by_key(&uid, |it| it.uid) {
            Ok(place) => {
                if let Some(waiting) = self.arrived.get_mut(place) {
                    waiting.flags = flags;
                }
            }
            Err(_) => {
                self.flagged.insert(uid, flags);
            }
        }
    }

    fn arrive(&mut self, number: u32, summary: Summary) {
        if number as usize != self.sequence.len() + 1 {
            if self.early.len() < MOST_EARLY {
                self.early.insert(number, summary);
            }
            return;
        }
        self.append(summary);
        while let Some(next) = self.early.first_entry() {
            if *next.key() as usize > self.sequence.len() + 1 {
                return;
            }
            let (place, summary) = next.remove_entry();
            if place as usize == self.sequence.len() + 1 {
                self.append(summary);
            }
        }
    }

    fn append(&mut self, mut summary: Summary) {
        if !self.has_uids {
            summary.uid = self.uid_next.unwrap_or(Uid::FIRST);
            self.uid_next = summary.uid.next();
        }
        if self.uid_next.is_none_or(|next| next <= summary.uid) {
            self.uid_next = summary.uid.next();
        }
        self.unkept += 1;
        match self.sequence.push(summary.clone()) {
            true => self.arrived.push(summary),
            false => self.is_lost = Some("its UIDs are not in order"),
        }
    }

    /// Whether so much waits that it should be passed on.
    fn is_full(&self) -> bool {
        self.arrived.len() >= BATCH || self.flagged.len() >= BATCH || self.measured.len() >= BATCH
    }

    /// The flags that the mailbox has.
    fn use_flags(&mut self, names: &[String]) {
        let system = names.iter().filter_map(|name| SystemFlags::named(name));
        self.flags_in_use = system.fold(SystemFlags::NONE, |all, one| all | one);
        self.define(names);
    }

    fn define(&mut self, names: &[String]) {
        for name in names
            .iter()
            .filter(|name| SystemFlags::named(name).is_none())
        {
            let keyword = Keyword::new(name);
            let new = keyword.filter(|it| !self.keywords.contains(it));
            if self.keywords.len() < MOST_KEYWORDS {
                self.keywords.extend(new);
            }
        }
    }

    fn flags(&mut self, names: &[String]) -> Flags {
        let mut system = SystemFlags::NONE;
        let mut others: Vec<String> = Vec::new();
        for name in names {
            match SystemFlags::named(name) {
                Some(flag) => system |= flag,
                None => others.push(name.clone()),
            }
        }
        if others.is_empty() {
            return Flags::system(system);
        }
        if let Some(keywords) = self.lists.get(&others) {
            let keywords = keywords.clone();
            return Flags { system, keywords };
        }
        self.define(&others);
        let keywords = others.iter().filter_map(|name| Keyword::new(name));
        let flags = Flags::new(system, keywords.collect());
        if self.lists.len() < MOST_LISTS {
            self.lists.insert(others, flags.keywords.clone());
        }
        flags
    }
}

/// A view that passes on what it takes in.
pub struct Watching<'v> {
    /// The view.
    pub view: &'v mut View,
    /// Whom it is told.
    pub job: &'v Job,
    /// Counts arrivals as progress, of so many.
    pub total: Option<u64>,
}

impl<'v> Watching<'v> {
    /// One that counts no progress.
    pub fn new(view: &'v mut View, job: &'v Job) -> Self {
        let total = None;
        Self { view, job, total }
    }
}

impl Sink for Watching<'_> {
    fn data(&mut self, data: Data<'_>) {
        self.view.take(data);
        if self.view.is_full() {
            self.pause();
        }
    }

    fn pause(&mut self) {
        self.view.tell(self.job);
        if let Some(total) = self.total {
            let done = self.view.sequence.len() as u64;
            self.job.progress(done.min(total), total);
        }
    }
}

//! Commands on their way to a server: what of them was sent, what waits for the server's leave, which have ended.

use std::collections::VecDeque;
use std::io::{self, Read};

use crate::driver::message::Content;
use crate::wire::imap::command::{Command, Part};
use crate::wire::imap::status::Status;

/// How many bytes of an upload wait to be sent at most.
const AHEAD: usize = 256 << 10;

/// Commands that are sent at once.
#[derive(Default)]
pub struct Talk<'c> {
    commands: Vec<Sending>,
    steps: VecDeque<(usize, Part)>,
    /// The messages that are sent where the commands announce them.
    pub uploads: VecDeque<&'c mut Content>,
    /// How much of the first of them was sent.
    uploaded: u64,
    /// Whether the server gave leave to go on at any time.
    was_allowed: bool,
    /// Whether a command ended while the server was still to read the rest of it.
    is_torn: bool,
}

struct Sending {
    tag: String,
    is_begun: bool,
    ended: Option<Status>,
}

impl Talk<'_> {
    /// One command more.
    pub fn add(&mut self, tag: String, command: Command) {
        let number = self.commands.len();
        let front = Part::Bytes(format!("{tag} ").into());
        let parts = [front].into_iter().chain(command.into_parts());
        let parts = parts.chain([Part::Bytes(b"\r\n".to_vec())]);
        self.steps.extend(parts.map(|part| (number, part)));
        self.commands.push(Sending {
            tag,
            is_begun: false,
            ended: None,
        });
    }

    /// The line that ends an IDLE, which does not end by itself.
    pub fn add_done(&mut self) {
        let last = self.commands.len().saturating_sub(1);
        if self.is_over() {
            return;
        }
        // One that does not listen yet would take it for a command.
        let leave = (!self.was_allowed).then_some((last, Part::Leave));
        self.steps.extend(leave);
        let done = Part::Bytes(b"DONE\r\n".to_vec());
        self.steps.push_back((last, done));
    }

    /// Whether the server said that it listens to what ends the command, which has not ended.
    pub fn is_listened_to(&self) -> bool {
        self.was_allowed && self.is_sent() && !self.is_over()
    }

    /// Moves what may be sent behind `out`.
    pub fn queue(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        while out.len() < AHEAD {
            match self.steps.front_mut() {
                None | Some((_, Part::Leave)) => return Ok(()),
                Some((number, Part::Bytes(bytes))) => {
                    out.append(bytes);
                    if let Some(command) = self.commands.get_mut(*number) {
                        command.is_begun = true;
                    }
                    self.steps.pop_front();
                }
                Some((_, Part::Upload(length))) => {
                    let (length, uploaded) = (*length, self.uploaded);
                    let left = length - uploaded;
                    let room = left.min((AHEAD - out.len()) as u64);
                    let copied = match self.uploads.front_mut() {
                        Some(content) => {
                            let mut reader = content.reader_at(uploaded)?.take(room);
                            io::copy(&mut reader, out)?
                        }
                        None => 0,
                    };
                    if copied == 0 && left > 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    self.uploaded += copied;
                    if self.uploaded == length {
                        self.uploaded = 0;
                        self.uploads.pop_front();
                        self.steps.pop_front();
                    }
                }
            }
        }
        Ok(())
    }

    /// The server gave leave to go on.
    pub fn allow(&mut self) {
        self.was_allowed = true;
        if matches!(self.steps.front(), Some((_, Part::Leave))) {
            self.steps.pop_front();
        }
    }

    /// The command with this tag has ended; `false` where there is none. What was not sent of it never will be.
    pub fn end(&mut self, tag: &str, status: Status) -> bool {
        let mut commands = self.commands.iter_mut();
        let found = commands.position(|it| it.tag == tag && it.is_begun && it.ended.is_none());
        let Some(number) = found else {
            return false;
        };
        let front = self.steps.iter().find(|step| step.0 == number);
        self.is_torn |= front.is_some_and(|step| step.1 != Part::Leave);
        self.steps.retain(|step| step.0 != number);
        if let Some(command) = self.commands.get_mut(number) {
            command.ended = Some(status);
        }
        true
    }

    /// Whether all commands have ended.
    pub fn is_over(&self) -> bool {
        self.commands.iter().all(|command| command.ended.is_some())
    }

    /// Whether all was sent.
    pub fn is_sent(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a command ended in the middle: what was sent of it may still be read as something else.
    pub fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// Whether a command was sent in part.
    pub fn is_cut(&self) -> bool {
        let begun = |number: &usize| self.commands.get(*number).is_some_and(|it| it.is_begun);
        self.steps.front().is_some_and(|step| begun(&step.0))
    }

    /// How the commands ended, in their order.
    pub fn into_ended(self) -> Vec<Status> {
        let ended = self.commands.into_iter().filter_map(|it| it.ended);
        ended.collect()
    }

    /// The tags of those that were sent and did not end.
    pub fn into_sent(self) -> impl Iterator<Item = String> {
        let open = |it: &Sending| it.is_begun && it.ended.is_none();
        let sent = self.commands.into_iter().filter(open);
        sent.map(|it| it.tag)
    }
}

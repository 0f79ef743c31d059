//! The loop of the terminal face: take what waits, update, do the effects, draw if something changed.
//!
//! Nothing here reads a file or waits for one. Frames are at least 10 ms apart; an idle screen costs no time.

use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossterm::event::Event as Input;
use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use crate::backend::backend::Backend;
use crate::backend::request::Ticket;
use crate::tui::effect::Effect;
use crate::tui::guard::Guard;
use crate::tui::input::message;
use crate::tui::keyboard::Keyboard;
use crate::tui::keymap::Keymap;
use crate::tui::msg::{Msg, Outcome};
use crate::tui::options::Options;
use crate::tui::signals::{Heard, Signals};
use crate::tui::state::state::State;
use crate::tui::terminal::RawTerminal;
use crate::tui::theme::Theme;
use crate::tui::update::trace;
use crate::tui::update::update::{start, update};
use crate::tui::view::view::view;
use crate::tui::work::{self, Ends, Running};

const BETWEEN_FRAMES: Duration = Duration::from_millis(10);
/// How many messages are taken in before a frame is drawn.
const BATCH: usize = 512;
/// How long mailboxes may take to close at the end.
const PATIENCE: Duration = Duration::from_secs(5);
const HANGUP: i32 = 1;

/// How a session ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExitReport {
    /// Lines for the shell: what was closed, what was kept. Printable.
    pub lines: Vec<String>,
    /// The signal that ended the session, where one did; the exit status is 128 more.
    pub signal: Option<i32>,
}

/// Runs the face until the user leaves, or a signal or the end of the terminal ends it. Fails before anything is drawn
/// where keymap or theme are wrong, with an error that names file and line.
pub async fn run(backend: Backend, options: Options) -> io::Result<ExitReport> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let keymap = Keymap::load(&options.keymap).map_err(invalid)?;
    let theme = Theme::load(&options.theme, options.colours).map_err(invalid)?;
    let signals = Signals::new()?;
    let terminal = RawTerminal::enter(options.mouse)?;
    let (ends, ended) = unbounded_channel();
    let mut session = Session {
        state: State::new(options, keymap),
        backend,
        theme,
        terminal,
        ends,
        running: Running::default(),
        writers: Vec::new(),
        dirty: true,
        guard: Guard::default(),
        signal: None,
    };
    let looped = session.run(signals, ended).await;
    session.end(looped)
}

struct Session {
    state: State,
    backend: Backend,
    theme: Theme,
    terminal: RawTerminal,
    ends: Ends,
    running: Running,
    writers: Vec<JoinHandle<()>>,
    dirty: bool,
    guard: Guard,
    signal: Option<i32>,
}

impl Session {
    async fn run(
        &mut self,
        mut signals: Signals,
        mut ended: UnboundedReceiver<(Ticket, Outcome)>,
    ) -> io::Result<()> {
        let mut input = Keyboard::new()?;
        let size = self.terminal.screen.size()?;
        let begun = [Msg::Tick(now()), Msg::Resize(size.width, size.height)];
        self.take(begun.into())?;
        let effects = start(&mut self.state);
        self.perform(effects)?;
        let mut next_frame = Instant::now();
        while !self.state.over && self.signal.is_none() {
            let wake = self.wake(next_frame);
            let mut waiting = Vec::new();
            tokio::select! {
                event = input.next() => self.typed(event, &mut waiting),
                event = self.backend.next() => waiting.push(Msg::Event(event)),
                Some((ticket, outcome)) = ended.recv() => waiting.push(Msg::Done(ticket, outcome)),
                heard = signals.next() => self.heard(heard, &mut waiting)?,
                () = sleep_until(wake.unwrap_or(next_frame)), if wake.is_some() => {}
            }
            while waiting.len() < BATCH
                && let Some(event) = input.try_next()
            {
                self.typed(Some(event), &mut waiting);
            }
            while waiting.len() < BATCH
                && let Some(event) = self.backend.try_next()
            {
                waiting.push(Msg::Event(event));
            }
            waiting.insert(0, Msg::Tick(now()));
            self.take(waiting)?;
            if self.dirty && Instant::now() >= next_frame {
                self.draw()?;
                next_frame = Instant::now() + BETWEEN_FRAMES;
            }
        }
        Ok(())
    }

    /// When the loop must wake up although nothing comes in: for a frame, a held question, the next day's dates (looked at each minute).
    fn wake(&self, next_frame: Instant) -> Option<Instant> {
        if self.dirty {
            return Some(next_frame);
        }
        let held = self.state.status.hold_ends(self.state.now);
        let stalls = self.stalls_later().into_iter();
        let soonest = stalls.chain(trace::waits(&self.state)).min();
        let milliseconds = match (held, soonest) {
            (Some(end), _) if self.state.prompt.is_some() => end - self.state.now,
            (_, Some(wait)) => wait,
            _ if self.state.areas().index.is_some() => 60_000 - self.state.now.rem_euclid(60_000),
            _ => return None,
        };
        let wait = u64::try_from(milliseconds).unwrap_or(0) + 1;
        Some(Instant::now() + Duration::from_millis(wait))
    }

    /// In how many milliseconds work stalls, unless it gets on.
    fn stalls_later(&self) -> Option<i64> {
        let wait = self.state.status.stalls_at()? - self.state.now;
        (wait > 0).then_some(wait)
    }

    fn typed(&mut self, event: Option<io::Result<Input>>, waiting: &mut Vec<Msg>) {
        match event {
            Some(Ok(event)) => waiting.extend(message(event)),
            // the terminal is gone: as a hangup, and never asked again
            Some(Err(_)) | None => self.signal = Some(HANGUP),
        }
    }

    fn heard(&mut self, heard: Heard, waiting: &mut Vec<Msg>) -> io::Result<()> {
        match heard {
            Heard::End(signal) => self.signal = Some(signal),
            Heard::Continued => {
                self.terminal.take()?;
                waiting.push(Msg::Resumed);
            }
        }
        Ok(())
    }

    /// Whether the dates of the index read differently than they did at `before`. Asked once a minute at most.
    fn is_another_day(&self, before: i64) -> bool {
        if before.div_euclid(60_000) == self.state.now.div_euclid(60_000) {
            return false;
        }
        let zone = &self.state.options.zone;
        let day =
            |moment| Timestamp::from_millisecond(moment).map(|at| at.to_zoned(zone.clone()).date());
        day(before).ok() != day(self.state.now).ok()
    }

    fn take(&mut self, messages: Vec<Msg>) -> io::Result<()> {
        for msg in messages {
            let tick = matches!(msg, Msg::Tick(_));
            let held = tick && self.state.status.holds(self.state.now);
            let before = self.state.now;
            let stalled = self.state.status.stalls(self.state.now);
            let updated = self.guard.run(&mut self.state, |state| update(state, msg));
            let passed = self.is_another_day(before);
            let stalls = self.state.status.stalls(self.state.now);
            self.dirty |= !tick || held || passed || stalls != stalled;
            match updated {
                Some(effects) => self.perform(effects)?,
                None => self.dirty = true,
            }
        }
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        self.dirty = false;
        let (theme, screen) = (&self.theme, &mut self.terminal.screen);
        let drawn = self.guard.run(&mut self.state, |state| {
            screen.draw(|frame| view(state, theme, frame)).map(drop)
        });
        match drawn {
            Some(drawn) => {
                self.guard.all_is_well();
                drawn
            }
            None => {
                self.dirty = true;
                Ok(())
            }
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Ask(ticket, request) => self.backend.ask(ticket, request),
                Effect::Cancel(ticket) => self.backend.cancel(ticket),
                Effect::Answer(ticket, answer) => self.backend.answer(ticket, answer),
                Effect::Write(ticket, job) => {
                    let writer = work::write(ticket, job, self.ends.clone())?;
                    self.writers.push(writer);
                }
                Effect::ListFiles(ticket, directory) => {
                    drop(work::list_files(ticket, directory, self.ends.clone())?);
                }
                Effect::Run(ticket, program) => {
                    let running = self.running.clone();
                    drop(work::run(ticket, program, running, self.ends.clone())?);
                }
                Effect::Stop(ticket) => self.running.stop(ticket),
                Effect::Beep => self.terminal.beep()?,
                Effect::Repaint => self.terminal.forget()?,
                Effect::Suspend => self.terminal.suspend()?,
                Effect::Quit => self.state.over = true,
            }
        }
        Ok(())
    }

    /// Gives the terminal back, lets files and mailboxes finish, and tells how it went.
    fn end(self, looped: io::Result<()>) -> io::Result<ExitReport> {
        let gone = looped.as_ref().is_err_and(is_gone);
        drop(self.terminal);
        self.running.stop_all();
        for writer in self.writers {
            // a writer that panicked has told its end, or nobody asks any longer
            let _ = writer.join();
        }
        let failed = self.backend.shutdown(PATIENCE);
        let farewell = self
            .state
            .farewell
            .iter()
            .map(|line| line.as_str().to_owned());
        let failed = failed
            .iter()
            .map(|error| format!("closing failed: {error}"));
        let lines = farewell.chain(failed).collect();
        let signal = if gone { Some(HANGUP) } else { self.signal };
        match looped {
            Err(error) if !gone => Err(error),
            _ => Ok(ExitReport { lines, signal }),
        }
    }
}

/// Whether an error says that there is no terminal any longer.
fn is_gone(error: &io::Error) -> bool {
    let lost = rustix::io::Errno::IO.raw_os_error();
    error.raw_os_error() == Some(lost) || error.kind() == io::ErrorKind::BrokenPipe
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

//! The one common stream of events: many threads and tasks put in, one face takes out.
//!
//! Bounded by weight, not by count: a face that is slow holds up those who fill it, so a million
//! arrivals or a gigabyte of message bytes never pile up. The face itself and async code never wait to put in.

use std::collections::VecDeque;
use std::mem::size_of;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::backend::event::{Event, Piece};
use crate::mail::change::Change;
use crate::mail::summary::Summary;

/// The queue between those who serve requests and the face.
pub struct EventStream {
    state: Mutex<State>,
    room: Condvar,
    filled: Condvar,
    filled_async: Notify,
    room_async: Notify,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    weight: usize,
    ended: bool,
}

impl EventStream {
    /// How many bytes of events may wait, roughly, before those who put in must wait too.
    pub const CAPACITY: usize = 4 << 20;

    /// An empty stream.
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            room: Condvar::new(),
            filled: Condvar::new(),
            filled_async: Notify::new(),
            room_async: Notify::new(),
        }
    }

    /// Puts `event` in at once, whatever waits already.
    pub fn put(&self, event: Event) {
        self.insert(self.lock(), event);
    }

    /// Puts `event` in as soon as there is room. Blocks: only for threads that serve requests.
    pub fn put_waiting(&self, event: Event) {
        let full = |state: &mut State| state.weight >= Self::CAPACITY && !state.ended;
        let state = self.room.wait_while(self.lock(), full);
        self.insert(state.unwrap_or_else(PoisonError::into_inner), event);
    }

    /// Waits until there is room: what async code does before it goes on.
    pub async fn has_room(&self) {
        loop {
            let room = self.room_async.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            {
                let state = self.lock();
                if state.weight < Self::CAPACITY || state.ended {
                    return;
                }
            }
            room.await;
        }
    }

    /// Takes the next event, waiting for it. May be dropped at any time without losing one.
    pub async fn take(&self) -> Event {
        loop {
            let filled = self.filled_async.notified();
            tokio::pin!(filled);
            filled.as_mut().enable();
            if let Some(event) = self.try_take() {
                return event;
            }
            filled.await;
        }
    }

    /// Takes the next event, blocking until it is there or `patience` is over.
    pub fn take_blocking(&self, patience: Option<Duration>) -> Option<Event> {
        let empty = |state: &mut State| state.events.is_empty();
        let state = match patience {
            None => self
                .filled
                .wait_while(self.lock(), empty)
                .unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                self.filled
                    .wait_timeout_while(self.lock(), patience, empty)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        self.remove(state)
    }

    /// Takes the next event if there is one.
    pub fn try_take(&self) -> Option<Event> {
        self.remove(self.lock())
    }

    /// Ends the stream: nobody takes any more, so nobody waits for room either.
    pub fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.events.clear();
        state.weight = 0;
        drop(state);
        self.room.notify_all();
        self.room_async.notify_waiters();
    }

    fn insert(&self, mut state: MutexGuard<'_, State>, event: Event) {
        if state.ended {
            return;
        }
        state.weight += weight(&event);
        state.events.push_back(event);
        let first = state.events.len() == 1;
        drop(state);
        if first {
            self.filled.notify_one();
            self.filled_async.notify_one();
        }
    }

    fn remove(&self, mut state: MutexGuard<'_, State>) -> Option<Event> {
        let event = state.events.pop_front()?;
        let was_full = state.weight >= Self::CAPACITY;
        state.weight -= weight(&event).min(state.weight);
        let has_room = state.weight < Self::CAPACITY;
        drop(state);
        if was_full && has_room {
            self.room.notify_all();
            self.room_async.notify_waiters();
        }
        Some(event)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for EventStream {
    fn default() -> Self {
        Self::new()
    }
}

/// What an event keeps in memory, roughly, in bytes.
fn weight(event: &Event) -> usize {
    const ENVELOPE: usize = 1024;
    const VIEW: usize = 64 << 10;
    size_of::<Event>()
        + match event {
            Event::Change(_, Change::Arrived(new) | Change::Measured(new)) => {
                size_of_val::<[Summary]>(new)
            }
            Event::Change(_, Change::Flags(new)) => size_of_val(new.as_slice()),
            Event::Piece(_, piece) => match piece {
                Piece::Bytes(bytes) => bytes.len(),
                Piece::Envelopes(rows) => rows.len() * ENVELOPE,
                Piece::Structures(rows) => rows.len() * ENVELOPE,
                Piece::Listed(rows) => rows.len() * ENVELOPE,
                Piece::Found(rows) => size_of_val(rows.as_slice()),
                Piece::View(..) => VIEW,
                _ => 0,
            },
            _ => 0,
        }
}

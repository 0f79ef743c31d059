//! Envelopes: headers are read by the one who serves the request; where many are wanted and that is a thread, another thread
//! understands them meanwhile.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::backend::error::{Error, Result};
use crate::backend::event::Piece;
use crate::backend::lent::{Lender, Lent};
use crate::backend::outlet::{Footing, Outlet};
use crate::backend::source::{Source, members};
use crate::driver::job::Job;
use crate::mail::envelope::Envelope;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};
use crate::mime::header::{EnvelopeReader, write_essential};

/// Rows of the first batch: small enough that they are on the screen at once. Each further one has twice as many.
const FIRST: usize = 50;
const MOST: usize = 400;
/// Fewer messages are not worth a thread.
const WORTH_IT: usize = 2000;
/// Of a header with more bytes only those fields are kept in memory that are needed.
const LONG: usize = 64 << 10;
/// How many batches may wait to be understood.
const WAITING: usize = 2;

/// Hands up the envelopes of `uids`. Messages that are gone are left out.
pub async fn envelopes<S: Source>(
    source: &mut S,
    uids: &UidSet,
    outlet: &Outlet,
    job: &Job,
) -> Result<()> {
    let wanted = members(source, uids);
    let (mut rest, mut most) = (wanted.as_slice(), FIRST);
    let mut mill = Mill::new(outlet, wanted.len());
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(most.min(rest.len()));
        let mut headers = mill.room();
        let mut found = |uid, header: &[u8]| headers.add(uid, header);
        let outcome = source.headers(batch, &mut found, job).await;
        mill.take(headers).await?;
        outcome?;
        job.progress((wanted.len() - later.len()) as u64, wanted.len() as u64);
        (rest, most) = (later, MOST.min(2 * most));
    }
    mill.end()
}

/// Headers one behind the other.
#[derive(Default)]
struct Headers {
    bytes: Vec<u8>,
    /// Whose they are, and where each of them ends.
    ends: Vec<(Uid, usize)>,
}

impl Headers {
    fn add(&mut self, uid: Uid, header: &[u8]) {
        match header.len() <= LONG {
            true => self.bytes.extend_from_slice(header),
            // There may be hundreds of these, and little in them that matters.
            false => write_essential(header, &mut self.bytes),
        }
        self.ends.push((uid, self.bytes.len()));
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// Makes envelopes of headers.
#[derive(Default)]
struct Maker {
    reader: EnvelopeReader,
    lender: Lender<(Uid, Envelope)>,
}

impl Maker {
    fn make(&mut self, headers: &Headers) -> Lent<(Uid, Envelope)> {
        let mut rows = self.lender.room();
        let mut start = 0;
        rows.extend(headers.ends.iter().map(|&(uid, end)| {
            let header = headers.bytes.get(start..end).unwrap_or_default();
            start = end;
            (uid, self.reader.read(header))
        }));
        self.lender.lend(rows)
    }
}

/// Where headers become envelopes and go to the face, in their order.
struct Mill<'o> {
    outlet: &'o Outlet,
    maker: Maker,
    helper: Option<Helper>,
    spare: Headers,
}

/// A thread that does it.
struct Helper {
    waiting: SyncSender<Headers>,
    spent: Receiver<Headers>,
    thread: JoinHandle<()>,
}

impl<'o> Mill<'o> {
    fn new(outlet: &'o Outlet, messages: usize) -> Self {
        // A task must not wait for a thread, and waits for its network most of the time anyway.
        let worth_it = outlet.footing == Footing::Thread && messages >= WORTH_IT;
        Self {
            outlet,
            maker: Maker::default(),
            helper: worth_it.then(|| Helper::start(outlet)).flatten(),
            spare: Headers::default(),
        }
    }

    /// Room for headers.
    fn room(&mut self) -> Headers {
        let spent = self.helper.as_ref().and_then(|it| it.spent.try_recv().ok());
        let mut room = spent.unwrap_or_else(|| std::mem::take(&mut self.spare));
        room.clear();
        room
    }

    async fn take(&mut self, headers: Headers) -> Result<()> {
        if let Some(helper) = &self.helper {
            return helper.waiting.send(headers).map_err(|_| broken());
        }
        let rows = self.maker.make(&headers);
        self.spare = headers;
        self.outlet.piece(Piece::Envelopes(rows)).await;
        Ok(())
    }

    /// Waits until all that was taken has gone to the face.
    fn end(mut self) -> Result<()> {
        self.helper.take().map_or(Ok(()), Helper::end)
    }
}

impl Drop for Mill<'_> {
    fn drop(&mut self) {
        // Whatever goes wrong, no piece of an answer comes after its end.
        let _ = self.helper.take().map(Helper::end);
    }
}

impl Helper {
    /// `None` where there is no thread to be had.
    fn start(outlet: &Outlet) -> Option<Self> {
        let (waiting, headers) = sync_channel::<Headers>(WAITING);
        let (give_back, spent) = sync_channel(WAITING + 1);
        let outlet = outlet.clone();
        let work = move || {
            let mut maker = Maker::default();
            for headers in headers {
                outlet.piece_blocking(Piece::Envelopes(maker.make(&headers)));
                // Room that nobody has use for goes.
                let _ = give_back.try_send(headers);
            }
        };
        let name = Builder::new().name("mugo-envelopes".to_owned());
        let thread = name.spawn(work).ok()?;
        Some(Self {
            waiting,
            spent,
            thread,
        })
    }

    fn end(self) -> Result<()> {
        drop(self.waiting);
        self.thread.join().map_err(|_| broken())
    }
}

fn broken() -> Error {
    Error::Panicked(Foreign::new("a thread that reads headers broke"))
}

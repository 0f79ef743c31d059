//! A proxy in front of a server: it counts what goes through, takes its time, and cuts connections.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A proxy.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    received: AtomicU64,
    connections: AtomicUsize,
    /// How often the client spoke after the server did.
    turns: AtomicUsize,
    server_spoke: AtomicBool,
    /// After so many more bytes to the server, to the client, its connection is cut; never where it is negative.
    left: [AtomicI64; 2],
    is_closed: AtomicBool,
    /// What of the client's words no longer gets to the server, nor anything behind it.
    halting: Mutex<Option<&'static [u8]>>,
    is_halted: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// In front of this port of loopback; what goes through takes half of `trip` each way.
    pub(crate) fn before(port: u16, trip: Duration) -> Self {
        Self::at(IpAddr::V4(Ipv4Addr::LOCALHOST), port, trip)
    }

    /// The same at another address of this machine.
    pub(crate) fn at(address: IpAddr, port: u16, trip: Duration) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a port");
        let own = listener.local_addr().expect("bound").port();
        let shared = Arc::new(Shared::default());
        for left in &shared.left {
            left.store(-1, Ordering::SeqCst);
        }
        let all = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if all.is_closed.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                all.connections.fetch_add(1, Ordering::SeqCst);
                all.server_spoke.store(false, Ordering::SeqCst);
                let copies = |stream: &TcpStream| stream.try_clone().expect("a handle");
                all.open
                    .lock()
                    .expect("whole")
                    .extend([copies(&client), copies(&server)]);
                for (from, to, back) in [
                    (copies(&client), copies(&server), false),
                    (copies(&server), copies(&client), true),
                ] {
                    let all = Arc::clone(&all);
                    std::thread::spawn(move || carry(from, to, back, trip / 2, &all));
                }
            }
        });
        Self { port: own, shared }
    }

    /// Bytes that came from the server since the last time.
    pub(crate) fn received(&self) -> u64 {
        self.shared.received.swap(0, Ordering::SeqCst)
    }

    /// How often the client waited for the server since the last time: round trips on one connection that is open.
    pub(crate) fn turns(&self) -> usize {
        self.shared.turns.swap(0, Ordering::SeqCst)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Cuts every connection.
    pub(crate) fn cut(&self) {
        for stream in self.shared.open.lock().expect("whole").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Cuts every connection after so many more bytes from the server.
    pub(crate) fn cut_after(&self, bytes: i64) {
        self.shared.left[1].store(bytes, Ordering::SeqCst);
    }

    /// Cuts every connection after so many more bytes to the server.
    pub(crate) fn cut_before(&self, bytes: i64) {
        self.shared.left[0].store(bytes, Ordering::SeqCst);
    }

    /// Keeps the server from hearing this word, and anything behind it.
    pub(crate) fn halt_at(&self, word: &'static [u8]) {
        *self.shared.halting.lock().expect("whole") = Some(word);
    }

    /// Waits until the word was kept from the server. What is said on new connections comes through again.
    pub(crate) fn wait_for_halt(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.shared.is_halted.load(Ordering::SeqCst) {
            assert!(Instant::now() < until, "the word was never said");
            std::thread::sleep(Duration::from_millis(5));
        }
        *self.shared.halting.lock().expect("whole") = None;
    }

    /// Takes connections or drops them at once.
    pub(crate) fn close(&self, is_closed: bool) {
        self.shared.is_closed.store(is_closed, Ordering::SeqCst);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, back: bool, delay: Duration, all: &Shared) {
    let (put, take) = channel::<(Instant, Vec<u8>)>();
    let writer = std::thread::spawn(move || {
        for (due, bytes) in take {
            let now = Instant::now();
            std::thread::sleep(due.saturating_duration_since(now));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut count = match from.read(&mut buffer) {
            Ok(count) if count > 0 => count,
            _ => break,
        };
        let mut is_cut = false;
        let limit = &all.left[usize::from(back)];
        let left = limit.load(Ordering::SeqCst);
        if left >= 0 {
            is_cut = count as i64 >= left;
            count = count.min(left as usize);
            limit.store(left - count as i64, Ordering::SeqCst);
        }
        let spoke = all.server_spoke.swap(back, Ordering::SeqCst);
        if spoke && !back {
            all.turns.fetch_add(1, Ordering::SeqCst);
        }
        if back {
            all.received.fetch_add(count as u64, Ordering::SeqCst);
        }
        let halting = *all.halting.lock().expect("whole");
        let said = halting.filter(|_| !back).and_then(|word| {
            let mut windows = buffer[..count].windows(word.len());
            windows.position(|window| window == word)
        });
        if let Some(at) = said {
            all.is_halted.store(true, Ordering::SeqCst);
            put.send((Instant::now(), buffer[..at].to_vec()))
                .expect("a writer");
            // Until the client is gone.
            while from.read(&mut buffer).is_ok_and(|count| count > 0) {}
            break;
        }
        let due = Instant::now() + delay;
        if put.send((due, buffer[..count].to_vec())).is_err() {
            break;
        }
        if is_cut {
            limit.store(-1, Ordering::SeqCst);
            break;
        }
    }
    drop(put);
    let _ = writer.join();
    let _ = from.shutdown(Shutdown::Both);
}

//! Random changes of a random file, and what the file must hold afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mugo::os::environment::Environment;
use mugo::os::files::{FileLayer, OpenMode};
use mugo::os::journal::error::{JournalError, Recovered};
use mugo::os::journal::plan::Plan;
use mugo::os::journal::redo::Journal;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults};
use crate::common::random::Random;
use crate::common::world::{World, world};

/// A change, and the content that it makes of the old one.
#[derive(Clone)]
pub(crate) enum Change {
    Rewrite(Plan),
    Append {
        patches: Vec<(u64, Vec<u8>)>,
        bytes: Vec<u8>,
    },
}

/// One case: a file, a change, the size of the journal's windows.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) old: Vec<u8>,
    pub(crate) new: Vec<u8>,
    pub(crate) change: Change,
    pub(crate) window: usize,
}

impl Case {
    /// A random case; every third is an append.
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let size = [0, 40, 700, 3000][random.below(4) as usize];
        let length = random.below(size + 1) as usize;
        let old = random.bytes(length);
        let window = [40, 150, 600, 8 << 20][random.below(4) as usize];
        let change = if seed.is_multiple_of(3) {
            append(&mut random, &old)
        } else {
            Change::Rewrite(plan(&mut random, old.len() as u64))
        };
        let new = apply(&old, &change);
        Self {
            old,
            new,
            change,
            window,
        }
    }

    pub(crate) fn run(&self, environment: &Environment, path: &Path) -> Result<(), JournalError> {
        let touch = |source| JournalError::Untouched {
            path: path.to_path_buf(),
            source,
        };
        let mut file = environment
            .files
            .open(path, OpenMode::ReadWrite)
            .map_err(touch)?;
        let journal = Journal::new(environment).with_window(self.window);
        match &self.change {
            Change::Rewrite(plan) => journal.rewrite(path, file.as_mut(), plan, &mut |_, _| {}),
            Change::Append { patches, bytes } => {
                let length = bytes.len() as u64;
                let source = &mut bytes.as_slice();
                journal
                    .append(path, file.as_mut(), patches, source, length, &mut |_, _| {})
                    .map(|_| ())
            }
        }
    }
}

/// A world with the case's file in it, and the file's path.
pub(crate) fn set_up(case: &Case) -> (World, PathBuf) {
    let world = world();
    let path = world.mailbox("box", &case.old);
    (world, path)
}

/// Recovers as the next opening does, through `files`.
pub(crate) fn recover(
    world: &World,
    path: &Path,
    files: Arc<dyn FileLayer>,
) -> Result<Recovered, JournalError> {
    let environment = world.another(files);
    let touch = |source| JournalError::Untouched {
        path: path.to_path_buf(),
        source,
    };
    let mut file = environment
        .files
        .open(path, OpenMode::ReadWrite)
        .map_err(touch)?;
    Journal::new(&environment).recover(path, file.as_mut())
}

/// Recovers on a healthy system and demands the promise: all old or all new, `extra` kept, no journal left.
pub(crate) fn expect_whole(case: &Case, world: &World, path: &Path, extra: &[u8], what: &str) {
    let files = Faults::over(Arc::new(RealFiles), Fault::None);
    let recovered = recover(world, path, Arc::new(files));
    let found = fs::read(path).expect("the mailbox");
    let old = [&case.old[..], extra].concat();
    let new = [&case.new[..], extra].concat();
    let state = if found == old && found == new {
        "same"
    } else if found == old {
        "old"
    } else if found == new {
        "new"
    } else {
        let (o, n, f) = (old.len(), new.len(), found.len());
        panic!("{what}: torn, {f} bytes, old {o}, new {n}, recovered: {recovered:?}");
    };
    match recovered {
        Ok(Recovered::Nothing) => {}
        Ok(Recovered::Finished) => assert_ne!(state, "old", "{what}"),
        Ok(Recovered::RolledBack) => assert_ne!(state, "new", "{what}"),
        other => panic!("{what}: {other:?}"),
    }
    let left: Vec<_> = fs::read_dir(world.environment.state.join("journal"))
        .map(|names| names.filter_map(Result::ok).collect())
        .unwrap_or_default();
    assert!(left.is_empty(), "{what}: {left:?}");
}

fn plan(random: &mut Random, length: u64) -> Plan {
    let mut plan = Plan::new(length);
    let mut at = 0;
    let (keepiness, insertions) = (1 + random.below(6), 1 + random.below(6));
    while at < length {
        let share = length / (1 + random.below(8));
        let piece = (1 + random.below(1 + share)).min(length - at);
        if random.chance(insertions) {
            let count = random.below(1 + piece) as usize;
            plan.put(&random.bytes(count));
        }
        if !random.chance(keepiness) {
            plan.keep(at, piece);
        } else if random.chance(2) {
            plan.put(&random.bytes(piece as usize));
        }
        at += piece;
    }
    if random.chance(3) {
        let count = random.below(300) as usize;
        plan.put(&random.bytes(count));
    }
    plan
}

fn append(random: &mut Random, old: &[u8]) -> Change {
    let mut patches = Vec::new();
    if old.len() > 20 && random.chance(2) {
        patches.push((3, random.bytes(4)));
        if random.chance(2) {
            patches.push((old.len() as u64 - 5, random.bytes(5)));
        }
    }
    let count = random.below(900) as usize;
    Change::Append {
        patches,
        bytes: random.bytes(count),
    }
}

fn apply(old: &[u8], change: &Change) -> Vec<u8> {
    use mugo::os::journal::plan::Piece;
    match change {
        Change::Rewrite(plan) => plan
            .pieces()
            .iter()
            .flat_map(|piece| match *piece {
                Piece::Keep { from, length } => &old[from as usize..(from + length) as usize],
                Piece::Put { at, length } => &plan.fresh()[at..at + length],
            })
            .copied()
            .collect(),
        Change::Append { patches, bytes } => {
            let mut new = old.to_vec();
            for (to, patch) in patches {
                new[*to as usize..][..patch.len()].copy_from_slice(patch);
            }
            new.extend_from_slice(bytes);
            new
        }
    }
}

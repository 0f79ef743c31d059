//! The flag screen: one box for each flag and keyword of a message.

use crate::mail::flags::{FlagChange, Flags, Keyword, SystemFlags};
use crate::mail::uid::Uid;

/// The keyword by which forwarded messages are known.
pub const FORWARDED: &str = "$Forwarded";

/// What a box stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Flag {
    /// A system flag and its name for people; `New` is the absence of `\Seen`.
    System(&'static str, SystemFlags),
    /// A keyword.
    Keyword(Keyword),
}

/// A box.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlagBox {
    /// What it stands for.
    pub flag: Flag,
    /// Whether it is ticked.
    pub set: bool,
    was: bool,
}

/// The flag screen.
#[derive(Clone, Debug)]
pub struct FlagScreen {
    /// The message.
    pub uid: Uid,
    /// The boxes.
    pub boxes: Vec<FlagBox>,
    /// The box under the cursor.
    pub cursor: usize,
    /// The first line that is visible.
    pub top: usize,
    /// Whether the mailbox takes new keywords.
    pub new_keywords: bool,
}

impl FlagScreen {
    /// The boxes of a message with `flags`, in a mailbox that defines `keywords`.
    pub fn new(uid: Uid, flags: &Flags, keywords: &[Keyword], new_keywords: bool) -> Self {
        let mut boxes: Vec<FlagBox> = [
            ("Important", SystemFlags::FLAGGED),
            ("New", SystemFlags::SEEN),
            ("Answered", SystemFlags::ANSWERED),
            ("Deleted", SystemFlags::DELETED),
        ]
        .into_iter()
        .map(|(name, flag)| {
            let has = flags.has(flag);
            let set = if flag == SystemFlags::SEEN { !has } else { has };
            FlagBox::new(Flag::System(name, flag), set)
        })
        .collect();
        let forwarded = Keyword::new(FORWARDED);
        let known = keywords.iter().chain(flags.keywords());
        for keyword in forwarded.iter().chain(known) {
            let flag = Flag::Keyword(keyword.clone());
            if !boxes.iter().any(|have| have.flag == flag) {
                let set = flags.keywords().contains(keyword);
                boxes.push(FlagBox::new(flag, set));
            }
        }
        Self {
            uid,
            boxes,
            cursor: 0,
            top: 0,
            new_keywords,
        }
    }

    /// Adds a keyword, ticked, and puts the cursor on it.
    pub fn add(&mut self, keyword: Keyword) {
        let flag = Flag::Keyword(keyword);
        let place = self.boxes.iter().position(|have| have.flag == flag);
        let place = place.unwrap_or_else(|| {
            self.boxes.push(FlagBox::new(flag, false));
            self.boxes.len() - 1
        });
        self.boxes[place].set = true;
        self.cursor = place;
    }

    /// What has to be changed: flags to add and flags to remove.
    pub fn changes(&self) -> Vec<FlagChange> {
        let collect = |wanted: bool| {
            let mut system = SystemFlags::NONE;
            let mut keywords = Vec::new();
            for changed in self.boxes.iter().filter(|one| one.set != one.was) {
                match &changed.flag {
                    Flag::System(_, flag) => {
                        // New is the absence of \Seen
                        let add = changed.set != (*flag == SystemFlags::SEEN);
                        if add == wanted {
                            system |= *flag;
                        }
                    }
                    Flag::Keyword(keyword) if changed.set == wanted => {
                        keywords.push(keyword.clone());
                    }
                    Flag::Keyword(_) => {}
                }
            }
            let flags = Flags::new(system, keywords);
            (flags != Flags::default()).then_some(flags)
        };
        let add = collect(true).map(FlagChange::Add);
        let remove = collect(false).map(FlagChange::Remove);
        add.into_iter().chain(remove).collect()
    }
}

impl FlagBox {
    fn new(flag: Flag, set: bool) -> Self {
        Self {
            flag,
            set,
            was: set,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_changed_is_stored() {
        let work = Keyword::new("work").expect("valid");
        let flags = Flags::system(SystemFlags::SEEN | SystemFlags::FLAGGED);
        let mut screen = FlagScreen::new(Uid::FIRST, &flags, &[], true);
        assert!(screen.changes().is_empty());
        screen.boxes[1].set = true;
        screen.add(work.clone());
        let changes = screen.changes();
        assert_eq!(
            changes[0],
            FlagChange::Add(Flags::new(SystemFlags::NONE, vec![work]))
        );
        assert_eq!(
            changes[1],
            FlagChange::Remove(Flags::system(SystemFlags::SEEN))
        );
    }
}

//! Looks things up in the table of commands: by name, by place, by slot of the two-row key menu.

use crate::tui::command::{Command, Context, Row};
use crate::tui::command_table::TABLE;

impl Command {
    /// The row of the table.
    pub fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.command == self)
    }

    /// The command with this name in keymap files.
    pub fn named(name: &str) -> Option<Self> {
        let found = TABLE.iter().find(|row| row.name == name);
        found.map(|row| row.command)
    }

    /// Whether the command works in `context`.
    pub fn works_in(self, context: Context) -> bool {
        self.row()
            .is_some_and(|row| row.places.iter().any(|place| place.context == context))
    }
}

/// How many pages the key menu of `context` has.
pub fn menu_pages(context: Context) -> u8 {
    let slots = TABLE.iter().flat_map(|row| row.places);
    let last = slots
        .filter(|place| place.context == context)
        .filter_map(|place| place.slot)
        .max();
    last.unwrap_or(0) / 12 + 1
}

/// What stands in `slot` of the key menu of `context`.
pub fn menu_cell(context: Context, slot: u8) -> Option<(Command, &'static str)> {
    if slot.is_multiple_of(12) {
        return Some((Command::Help, "Help"));
    }
    if slot % 12 == 1 && menu_pages(context) > 1 {
        return Some((Command::OtherCommands, "OTHER CMDS"));
    }
    for row in TABLE {
        let found = row
            .places
            .iter()
            .find(|place| place.context == context && place.slot == Some(slot));
        if let Some(place) = found {
            return Some((row.command, place.label));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_and_slots_are_unique() {
        let mut names = HashSet::new();
        let mut commands = HashSet::new();
        let mut slots = HashSet::new();
        for row in TABLE {
            assert!(names.insert(row.name), "{} twice", row.name);
            assert!(commands.insert(row.command), "{} twice", row.name);
            assert!(row.help.ends_with('.'), "{} has no sentence", row.name);
            for place in row.places {
                if let Some(slot) = place.slot {
                    assert!(slot % 12 > 1, "{} takes the slot of Help", row.name);
                    assert!(
                        slots.insert((place.context, slot)),
                        "{} slot {slot}",
                        row.name
                    );
                }
            }
        }
    }
}

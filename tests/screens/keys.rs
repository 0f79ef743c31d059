//! What keys do.

use std::fs;
use std::os::unix::fs::symlink;

use mugo::mail::flags::SystemFlags;
use mugo::tui::msg::{Mouse, Msg};
use mugo::tui::options::LayoutChoice;
use mugo::tui::state::screen::Screen;
use mugo::tui::toml_file::Source;

use crate::bench::{Bench, bench, bench_with, mail};

/// The number of the message under the cursor.
fn row(bench: &Bench) -> usize {
    let open = bench.state.mailbox.as_ref().expect("open");
    open.cursor_row().map_or(0, |row| row + 1)
}

pub(crate) fn has(bench: &Bench, number: usize, flag: SystemFlags) -> bool {
    let open = bench.state.mailbox.as_ref().expect("open");
    let uid = open.uid_at(number - 1).expect("there");
    open.list.message(uid).expect("there").flags.has(flag)
}

#[test]
fn opening_starts_at_the_first_new_message_and_says_what_is_there() {
    let mut bench = bench(80, 24, &mail());
    assert_eq!(
        bench.said(),
        "Folder \"INBOX\" opened with 6 messages - 4 new"
    );
    bench.keys("i");
    assert_eq!(row(&bench), 3);
    assert!(
        bench.screen().contains("Message  3 of 6 NEW"),
        "{}",
        bench.screen()
    );
}

#[test]
fn delete_moves_on_and_expunge_asks() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i 1 enter d");
    assert_eq!(bench.said(), "Message 1 marked for deletion");
    assert_eq!(row(&bench), 2);
    bench.keys("p u");
    assert!(!has(&bench, 1, SystemFlags::DELETED));
    assert_eq!(row(&bench), 1);
    bench.keys("u");
    assert_eq!(
        bench.said(),
        "Message not marked for deletion; no action taken"
    );
    bench.keys("d p d x");
    assert!(bench.screen().contains("Expunge 1 message from INBOX?"));
    bench.keys("n");
    assert_eq!(bench.state.mailbox.as_ref().map(|open| open.len()), Some(6));
    bench.keys("x enter");
    assert_eq!(bench.said(), "Expunged 1 message");
    assert_eq!(bench.state.mailbox.as_ref().map(|open| open.len()), Some(5));
    assert_eq!(row(&bench), 1);
    let left = fs::read(&bench.world.environment.spool).expect("a spool");
    let left = String::from_utf8_lossy(&left).into_owned();
    assert!(!left.contains("Subject: Allotment rota") && left.contains("Subject: Invoice"));
}

#[test]
fn save_offers_to_make_the_folder_and_marks_as_deleted() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i 2 enter s").types("club").keys("enter");
    assert!(
        bench
            .screen()
            .contains("Folder \"club\" doesn't exist. Create?"),
        "{}",
        bench.screen()
    );
    bench.keys("y");
    assert_eq!(bench.said(), "Message 2 copied to \"club\" and deleted");
    assert!(has(&bench, 2, SystemFlags::DELETED));
    assert_eq!(row(&bench), 2);
    let copy = fs::read_to_string(bench.home("club")).expect("a folder");
    assert!(copy.contains("Invoice 2023-114"));
    // the second time the folder is the default, and ^R keeps the message
    bench.keys("1 enter s ctrl-r");
    assert!(
        bench
            .screen()
            .contains("SAVE (no delete) Msg #1 to folder [club]")
    );
    bench.keys("enter");
    assert_eq!(bench.said(), "Message 1 copied to \"club\"");
    assert!(!has(&bench, 1, SystemFlags::DELETED));
    bench.keys("s").types("cl").keys("tab");
    assert!(
        bench.screen().contains("[club] : club"),
        "{}",
        bench.screen()
    );
    bench.keys("ctrl-c");
    assert_eq!(bench.said(), "Save message cancelled");
}

#[test]
fn export_never_overwrites_without_asking() {
    let mut bench = bench(80, 24, &mail());
    let path = bench.home("copy.txt");
    bench.keys("i 1 enter e").types("copy.txt").keys("enter");
    assert_eq!(bench.said(), "Message 1 exported to file \"copy.txt\"");
    let once = fs::read_to_string(&path).expect("a file");
    assert!(once.contains("Subject: Allotment rota") && !once.contains('\r'));
    bench.keys("e up enter");
    assert!(
        bench.screen().contains("already exists"),
        "{}",
        bench.screen()
    );
    bench.keys("ctrl-c");
    assert_eq!(fs::read_to_string(&path).expect("a file"), once);
    bench.keys("e up enter a");
    assert_eq!(
        fs::read_to_string(&path).expect("a file").len(),
        2 * once.len()
    );
    let victim = bench.home("victim");
    fs::write(&victim, "mine").expect("a file");
    symlink(&victim, bench.home("link")).expect("a link");
    bench.keys("e").types("link").keys("enter o");
    assert!(bench.said().contains("symbolic link"), "{}", bench.said());
    assert_eq!(fs::read_to_string(&victim).expect("a file"), "mine");
}

#[test]
fn attachments_are_saved_under_safe_names() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i 3 enter enter > n s");
    let prompt = bench.screen();
    assert!(prompt.contains("[slides.pdf]"), "{prompt}");
    bench.keys("enter");
    assert_eq!(
        fs::read(bench.home("slides.pdf")).expect("a file"),
        b"hello"
    );
    bench.keys("v");
    assert!(
        bench.said().contains("Don't know how to display"),
        "{}",
        bench.said()
    );
}

#[test]
fn programs_get_the_message_and_never_its_words() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i |").types("wc -l").keys("enter");
    assert_eq!(
        bench.programs.pop(),
        Some(vec!["wc".to_owned(), "-l".to_owned()])
    );
    assert_eq!(bench.state.screen, Screen::Pager);
    bench.keys("e |").types("cat > x").keys("enter");
    assert_eq!(
        bench.programs.pop(),
        Some(["sh", "-c", "cat > x"].map(str::to_owned).into())
    );
}

#[test]
fn links_are_opened_after_a_question_that_shows_where_they_lead() {
    let mut bench = bench_with(80, 24, &mail(), |options| {
        options.browser = vec!["browse".to_owned(), "--new".to_owned()];
    });
    bench.keys("i 2 enter enter ctrl-f enter");
    assert!(
        bench
            .screen()
            .contains("View selected URL \"http://press.test/two\" ?"),
        "{}",
        bench.screen()
    );
    bench.keys("y");
    let argv = bench.programs.pop().expect("a program");
    assert_eq!(argv, ["browse", "--new", "http://press.test/two"]);
}

#[test]
fn the_order_changes_and_the_cursor_keeps_its_message() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i 1 enter $ r");
    assert_eq!(row(&bench), 6);
    bench.keys("$ r $ s");
    assert_eq!(bench.said(), "Sorted by subject");
    let sorted = bench.screen();
    let places = ["Allotment", "Invoice", "Slides"].map(|word| sorted.find(word));
    assert!(places[0].is_some() && places.is_sorted(), "{sorted}");
    bench.keys("$ a");
    assert_eq!(row(&bench), 1, "{}", bench.screen());
}

#[test]
fn search_tab_and_jump_find_messages() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i home tab");
    assert_eq!(row(&bench), 2);
    bench.keys("tab tab tab tab tab");
    assert_eq!(row(&bench), 6);
    assert_eq!(bench.said(), "No more new messages in folder");
    bench.keys("w").types("invoice").keys("enter");
    assert_eq!(row(&bench), 2);
    bench.keys("9 9 enter");
    assert_eq!(bench.said(), "The folder has messages 1 to 6");
    bench.keys("1 enter enter w").types("shed").keys("enter");
    let found = bench.state.message.as_ref().and_then(|shown| shown.found);
    assert!(found.is_some());
}

#[test]
fn flags_are_set_by_key_and_on_the_flag_screen() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i 1 enter * *");
    assert!(has(&bench, 1, SystemFlags::FLAGGED));
    bench.keys("* ! *");
    assert!(!has(&bench, 1, SystemFlags::FLAGGED));
    bench.keys("* enter");
    assert!(has(&bench, 1, SystemFlags::FLAGGED));
    bench.keys("* ! enter");
    assert!(!has(&bench, 1, SystemFlags::FLAGGED));
    bench.keys("* n");
    assert!(!has(&bench, 1, SystemFlags::SEEN));
    bench.keys("* ctrl-t x a").types("work").keys("enter e");
    assert!(has(&bench, 1, SystemFlags::FLAGGED));
    assert!(bench.screen().contains("{work}"), "{}", bench.screen());
}

#[test]
fn quitting_asks_about_deleted_messages_and_says_farewell() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i d q");
    assert!(bench.screen().contains("Really quit Mugo?"));
    bench.keys("n");
    assert!(bench.effects.is_empty());
    bench.keys("q y n");
    assert_eq!(bench.effects, ["quit"]);
    let farewell: Vec<&str> = bench
        .state
        .farewell
        .iter()
        .map(|line| line.as_str())
        .collect();
    assert_eq!(farewell, ["Closed folder \"INBOX\". Kept all 6 messages."]);
}

#[test]
fn folders_are_made_renamed_opened_and_deleted() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("l a").types("club").keys("enter");
    assert!(bench.home("club").exists(), "{}", bench.said());
    bench.keys("n r ctrl-k").types("garden").keys("enter");
    assert!(bench.home("garden").exists() && !bench.home("club").exists());
    bench.keys("end enter");
    assert_eq!(bench.said(), "Folder \"garden\" opened with 0 messages");
    bench.keys("g enter");
    assert!(
        bench.said().contains("\"INBOX\" opened"),
        "{}",
        bench.said()
    );
    bench.keys("l end d enter");
    assert!(bench.home("garden").exists());
    bench.keys("d y");
    assert!(!bench.home("garden").exists(), "{}", bench.said());
    bench.keys("home d");
    assert_eq!(bench.said(), "Can't delete special folder \"INBOX\".");
}

#[test]
fn nothing_that_mail_says_reaches_the_screen_as_it_came() {
    for keys in [
        "i",
        "i 5 enter enter",
        "i 5 enter enter h",
        "i 5 enter enter h h",
    ] {
        let mut bench = bench(80, 24, &mail());
        bench.keys(keys);
        let screen = bench.screen();
        let bad = screen.chars().find(|letter| {
            letter.is_control() && *letter != '\n'
                || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2067}')
        });
        assert_eq!(bad, None, "{keys}: {screen}");
        assert!(screen.contains("^["), "{keys}: {screen}");
    }
}

#[test]
fn no_inbox_tells_which_rules_were_tried() {
    let mut bench = bench(100, 30, b"");
    bench.keys("i");
    let screen = bench.screen();
    assert!(screen.contains("This is what was looked for"), "{screen}");
    assert!(screen.contains("Press L for other folders"), "{screen}");
    assert!(
        bench
            .state
            .mailbox
            .as_ref()
            .is_some_and(|open| !open.findings.is_empty())
    );
}

#[test]
fn unknown_keys_later_commands_and_missing_folders_say_so() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i @");
    assert_eq!(
        bench.said(),
        "Command \"@\" not defined for this screen. Use ? for help"
    );
    assert_eq!(bench.effects, ["beep"]);
    bench.keys("c");
    assert_eq!(bench.said(), "Writing messages comes in a later version");
    bench.keys("g").types("nothing-here").keys("enter");
    assert!(
        bench.said().contains("Cannot open folder \"nothing-here\""),
        "{}",
        bench.said()
    );
    let open = bench.state.mailbox.as_ref().expect("the one before");
    assert!(open.name.is_inbox() && open.is_open() && open.len() == 6);
}

#[test]
fn a_question_waits_behind_an_error_but_keys_are_kept() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i @ g");
    assert!(bench.screen().contains("not defined"), "{}", bench.screen());
    bench.types("x");
    assert!(
        bench.screen().contains("GOTO folder [saved-messages] : x"),
        "{}",
        bench.screen()
    );
}

#[test]
fn panes_follow_size_and_choice_and_the_mouse_moves_the_focus() {
    let mut bench = bench(160, 48, &mail());
    bench.keys("i enter");
    let screen = bench.screen();
    assert!(
        screen.contains("-- Folders") && screen.contains(">> Message"),
        "{screen}"
    );
    bench.send(Msg::Mouse(Mouse::Click(60, 3)));
    assert_eq!(bench.state.screen, Screen::Index);
    assert_eq!(row(&bench), 2);
    bench.keys("\\");
    assert_eq!(bench.state.options.layout, LayoutChoice::Classic);
    assert!(!bench.screen().contains("-- Folders"));
    bench.keys("\\");
    bench.send(Msg::Resize(80, 24));
    assert!(!bench.screen().contains("-- Folders"));
}

#[test]
fn pasted_text_goes_into_prompts_without_controls() {
    let mut bench = bench(80, 24, &mail());
    bench.send(Msg::Paste("x\ny".to_owned()));
    assert_eq!(bench.state.screen, Screen::Main);
    bench.keys("g");
    bench.send(Msg::Paste("a\u{1b}[201~b\nc".to_owned()));
    assert!(bench.screen().contains("a[201~bc"), "{}", bench.screen());
}

#[test]
fn terminals_without_unicode_get_ascii_alone() {
    let mut bench = bench_with(80, 24, &mail(), |options| options.ascii = true);
    for keys in ["i", "4 enter enter", "h", "<", "s"] {
        bench.keys(keys);
        assert!(bench.screen().is_ascii(), "{keys}: {}", bench.screen());
    }
}

#[test]
fn the_other_keymaps_lead_to_messages_too() {
    for name in ["vim", "emacs", "mutt"] {
        let mut bench = bench_with(80, 24, &mail(), |options| {
            options.keymap = Source::BuiltIn(name.to_owned());
        });
        let index = if name == "vim" || name == "mutt" {
            "I"
        } else {
            "i"
        };
        bench.keys(index).keys("enter enter");
        assert_eq!(
            bench.state.screen,
            Screen::Text,
            "{name}: {}",
            bench.screen()
        );
    }
}

#[test]
fn while_a_program_runs_keys_do_nothing_but_stop_it() {
    let mut bench = bench(80, 24, &mail());
    bench.holds_programs = true;
    bench.keys("i D |").types("sleep 9").keys("enter");
    assert!(
        bench.screen().contains("Running \"sleep 9\"; ^C stops it"),
        "{}",
        bench.screen()
    );
    // What is typed ahead asks nothing and answers nothing.
    bench.keys("X enter q y");
    assert!(bench.state.prompt.is_none());
    bench.effects.retain(|effect| *effect != "beep");
    assert!(bench.effects.is_empty(), "{:?}", bench.effects);
    assert!(
        bench.screen().contains("still running"),
        "{}",
        bench.screen()
    );
    bench.keys("ctrl-c");
    assert_eq!(bench.effects, ["stop"]);
    assert!(bench.screen().contains("PIPE OUTPUT"), "{}", bench.screen());
    bench.keys("e X");
    assert!(bench.state.prompt.is_some(), "keys mean something again");
}

//! Questions and what they lead to, and what the status line tells of work and of other programs.

use std::fs;

use mugo::mail::flags::SystemFlags;
use mugo::mail::text::Printable;
use mugo::tui::key::Key;
use mugo::tui::msg::Msg;
use mugo::tui::state::screen::Screen;

use crate::bench::{NOW, bench, bench_with, mail};
use crate::keys::has;

#[test]
fn folders_are_picked_from_a_list_and_completed_below_the_root() {
    let mut bench = bench(80, 24, &mail());
    fs::create_dir(bench.home("garden")).expect("a directory");
    fs::write(bench.home("garden/spring"), b"").expect("a folder");
    fs::write(bench.home("sent-mail"), b"").expect("a folder");
    fs::write(bench.home("a-folder"), b"").expect("a folder");
    bench.keys("l");
    let first = bench.screen().lines().nth(2).map(str::to_owned);
    let names = first.unwrap_or_default();
    let names: Vec<&str> = names.split_whitespace().take(3).collect();
    assert_eq!(names[..2], ["INBOX", "(4)"], "{}", bench.screen());
    assert_eq!(names[2], "sent-mail", "{}", bench.screen());
    bench.keys("i 1 enter s ctrl-t");
    assert!(
        bench.screen().contains("FOLDER SELECT"),
        "{}",
        bench.screen()
    );
    bench.keys("w").types("garden").keys("enter enter enter");
    let prompt = bench.screen();
    assert!(
        prompt.contains("to folder [saved-messages] : garden/spring"),
        "{prompt}"
    );
    bench.keys("enter");
    assert_eq!(
        bench.said(),
        "Message 1 copied to \"garden/spring\" and deleted"
    );
    assert_eq!(bench.state.screen, Screen::Index);
    // no choice: the question is still there, with what was typed
    bench.keys("g").types("x").keys("ctrl-t e");
    assert!(bench.screen().contains("] : x"), "{}", bench.screen());
    bench.keys("ctrl-k").types("ga").keys("tab").types("s");
    bench.keys("tab");
    assert!(
        bench.screen().contains("] : garden/spring"),
        "{}",
        bench.screen()
    );
    bench.keys("enter");
    assert_eq!(
        bench.said(),
        "Folder \"garden/spring\" opened with 1 message"
    );
}

#[test]
fn help_for_a_question_comes_in_two_steps_and_leads_back_to_it() {
    let mut bench = bench(80, 24, &mail());
    bench.keys("i s").types("club").keys("ctrl-g");
    assert!(
        bench.screen().contains("Type the name of a folder"),
        "{}",
        bench.screen()
    );
    bench.keys("ctrl-g");
    let help = bench.screen();
    assert!(
        bench.state.screen == Screen::Pager && help.contains("\n  Return           Take what"),
        "{help}"
    );
    bench.keys("e");
    assert!(bench.screen().contains("] : club"), "{}", bench.screen());
    assert!(bench.screen().contains("^T To Fldrs"), "{}", bench.screen());
    // another way out of help gives the question up
    bench.keys("ctrl-g ctrl-g m");
    assert!(bench.state.prompt.is_none() && bench.state.waiting.is_none());
}

#[test]
fn work_is_cancelled_and_counts_follow_what_was_read() {
    let mut bench = bench(160, 48, &mail());
    bench.keys("i $");
    bench.send(Msg::Key(Key::parse("s").expect("a key")));
    bench.send(Msg::Key(Key::parse("ctrl-c").expect("a key")));
    bench.settle();
    let said = bench.said();
    assert!(
        said == "Sort cancelled" || said == "Sorted by subject",
        "{said}"
    );
    assert!(bench.state.status.progress.is_none());
    fs::write(bench.home("club"), b"").expect("a folder");
    bench.keys("6 enter enter g").types("club").keys("enter");
    assert!(bench.screen().contains("INBOX (3)"), "{}", bench.screen());
}

#[test]
fn what_other_programs_do_to_the_mailbox_is_told() {
    let mut bench = bench(80, 24, &mail());
    let spool = bench.world.environment.spool.clone();
    bench.keys("i 1 enter enter");
    assert_eq!(bench.state.screen, Screen::Text);
    let whole = fs::read(&spool).expect("a spool");
    let last = whole.windows(6).rposition(|six| six == b"\nFrom ");
    let start = last.expect("several messages") + 1;
    fs::write(&spool, &whole[start..]).expect("a shorter spool");
    bench.keys("ctrl-l");
    let said = bench.said();
    assert!(
        said.contains("nother program") && !said.contains("New mail"),
        "{said}"
    );
    assert_eq!(bench.state.screen, Screen::Index);
    assert_eq!(
        bench.state.mailbox.as_ref().map(|open| open.removed),
        Some(0)
    );
}

#[test]
fn the_first_mail_of_all_is_new_mail_and_nothing_else() {
    let mut bench = bench(80, 24, b"");
    bench.keys("i");
    fs::write(&bench.world.environment.spool, mail()).expect("a spool");
    bench.keys("ctrl-l");
    let screen = bench.screen();
    assert!(screen.contains("6 new messages in"), "{screen}");
    assert!(!screen.contains("replaced"), "{screen}");
    assert!(screen.contains("Message  1 of 6"), "{screen}");
}

#[test]
fn a_long_failure_takes_the_rows_that_it_needs() {
    let mut bench = bench(40, 12, &mail());
    bench.keys("i g").types("/not/here/at-all").keys("enter");
    let screen = bench.screen();
    let shown = screen.replace('\n', " ");
    assert!(bench.said().len() > 60 && shown.contains("<]"), "{screen}");
}

#[test]
fn work_that_does_not_get_on_says_so() {
    let mut bench = bench(80, 24, &mail());
    bench
        .state
        .status
        .work(Printable::own("Opening folder \"INBOX\""), NOW);
    assert!(bench.screen().contains("|   0%   |"), "{}", bench.screen());
    bench.send(Msg::Tick(NOW + 3000));
    assert!(
        bench
            .screen()
            .contains("waiting, perhaps for a lock; ^C gives up"),
        "{}",
        bench.screen()
    );
}

#[test]
fn a_mailbox_that_cannot_be_written_can_be_read_without_complaint() {
    let mut bench = bench_with(80, 24, &mail(), |options| options.read_only = true);
    bench.keys("i d");
    assert!(
        bench.said().contains("nothing was changed"),
        "{}",
        bench.said()
    );
    bench.keys("enter");
    assert_eq!(bench.state.screen, Screen::Text);
    assert!(bench.screen().contains("(READONLY)"), "{}", bench.screen());
    assert_eq!(bench.said(), "");
    assert!(!has(&bench, 3, SystemFlags::SEEN));
}

#[test]
fn inbox_is_one_key_away_from_every_folder() {
    let mut bench = bench(80, 24, &mail());
    fs::write(bench.home("club"), b"").expect("a folder");
    bench.keys("g").types("club").keys("enter g ctrl-w");
    assert!(
        bench.said().contains("\"INBOX\" opened"),
        "{}",
        bench.said()
    );
}

#[test]
fn tab_goes_to_the_next_folder_with_new_mail() {
    let mut bench = bench(80, 24, &mail());
    fs::write(bench.home("club"), b"").expect("a folder");
    fs::write(bench.home("garden"), mail()).expect("a folder");
    bench.keys("l home tab");
    let current = bench.state.folders.current().expect("a folder");
    assert_eq!(current.label.raw(), "garden");
    bench.keys("tab");
    assert_eq!(bench.said(), "No more folders with new mail");
}

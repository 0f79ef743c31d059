//! The folder list's own work: formats, whole folders copied with a receipt, what a folder is, which folders hold a text.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use mugo::tui::options::{Collection, Options};
use mugo::tui::state::screen::Screen;

use crate::bench::{Bench, bench, bench_with, mail};

const SIZES: [(u16, u16); 2] = [(80, 24), (40, 12)];

/// The screen without the names of scratch folders and what changes from run to run.
fn still(bench: &mut Bench) -> String {
    let screen = bench.screen();
    let lines = screen.lines().filter(|line| {
        let line = line.trim_start();
        !["File ", "UIDVALIDITY", "Open by", "/"]
            .iter()
            .any(|front| line.starts_with(front))
            && !line.contains("/tmp/")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// At each size, a bench with an archive to copy and a folder to look into.
fn benches() -> impl Iterator<Item = (String, Bench)> {
    SIZES.into_iter().map(|(width, height)| {
        let choose = |options: &mut Options| options.formats = vec!["unix", "mbx"];
        let mut bench = bench_with(width, height, &mail(), choose);
        fs::write(bench.home("archive"), mail()).expect("a folder");
        fs::create_dir(bench.home("work")).expect("a directory");
        let text = "From a@b Mon Mar  2 09:00:00 2026\nSubject: Pigeons\n\nx\n\n";
        fs::write(bench.home("work/notes"), text).expect("a folder");
        bench.keys("l");
        (format!("{width}x{height}"), bench)
    })
}

#[test]
fn a_new_folder_is_asked_for_its_format() {
    for (size, mut bench) in benches() {
        bench.keys("a").types("garden").keys("enter");
        insta::assert_snapshot!(format!("format-prompt-{size}"), bench.screen());
        bench.keys("u");
        assert_eq!(bench.said(), "Folder \"garden\" created");
        assert!(
            fs::read_to_string(bench.home("garden"))
                .expect("made")
                .contains("X-IMAP")
        );
        // Return takes the format of the settings; a directory has none
        bench.keys("a").types("tools").keys("enter enter");
        assert_eq!(bench.said(), "Folder \"tools\" created");
        bench.keys("a").types("sheds/").keys("enter");
        assert_eq!(bench.said(), "Folder \"sheds/\" created");
        bench.keys("a").types("ladders").keys("enter ctrl-c");
        assert_eq!(bench.said(), "Add folder cancelled");
        assert!(!bench.home("ladders").exists());
    }
}

#[test]
fn other_collections_are_looked_into_from_the_first_one() {
    for (width, height) in SIZES {
        let choose = |options: &mut Options| {
            options.collections.push(Collection {
                name: "MH".to_owned(),
                prefix: "#mh/".to_owned(),
                delimiter: '/',
            });
        };
        let mut bench = bench_with(width, height, &mail(), choose);
        for folder in ["mh/inbox", "mh/lists/rust", "mh/lists/gardens"] {
            fs::create_dir_all(bench.home(folder)).expect("a mailbox");
            let path = bench.home(folder).join("1");
            fs::write(&path, "Subject: Seeds\n\nx\n").expect("a message");
            let day = UNIX_EPOCH + Duration::from_secs(1_772_443_231);
            let times = fs::FileTimes::new().set_modified(day).set_accessed(day);
            let file = fs::File::options().write(true).open(&path);
            file.expect("there").set_times(times).expect("its times");
        }
        let size = format!("{width}x{height}");
        bench.keys("l");
        insta::assert_snapshot!(format!("collections-{size}"), bench.screen());
        bench.keys("end d");
        assert_eq!(bench.said(), "Can't delete a collection of folders");
        bench.keys("r");
        assert_eq!(bench.said(), "Can't rename a collection of folders");
        bench.keys("=");
        assert_eq!(bench.said(), "A directory; folders are below it");
        bench.keys("enter");
        insta::assert_snapshot!(format!("collection-of-mh-{size}"), bench.screen());
        // `lists` is a mailbox and has others below it; the second of the two is looked into.
        bench.keys("end enter");
        insta::assert_snapshot!(format!("directory-of-mh-{size}"), bench.screen());
        bench.keys("enter");
        assert_eq!(
            bench.said(),
            "Folder \"#mh/lists/gardens\" opened with 1 message - 1 new"
        );
        bench.keys("l a").types("bees").keys("enter");
        assert!(bench.home("mh/lists/bees").is_dir(), "{}", bench.said());
        bench.keys("home d y");
        assert!(!bench.home("mh/lists/bees").exists(), "{}", bench.said());
        bench.keys("<");
        assert_eq!(
            bench.state.folders.current().map(|it| it.label.raw()),
            Some("lists")
        );
        bench.keys("<");
        assert_eq!(
            bench.state.folders.current().map(|it| it.label.raw()),
            Some("MH")
        );
        // A message goes where it is pointed.
        bench.keys("i s ctrl-t end enter enter");
        assert_eq!(bench.state.screen, Screen::Index);
        insta::assert_snapshot!(format!("save-to-mh-{size}"), bench.screen());
    }
}

fn under_cursor(bench: &Bench) -> String {
    let folders = &bench.state.folders;
    let folder = folders.entries.get(folders.cursor).expect("an entry");
    folder.label.raw().to_owned()
}

#[test]
fn the_folder_list_is_searched_as_one_types() {
    let mut bench = bench(80, 24, &mail());
    for name in ["garden", "gardening", "gate", "orchard"] {
        fs::write(bench.home(name), b"").expect("a folder");
    }
    bench.keys("l");
    let at = under_cursor;
    let began = at(&bench);
    bench.keys("w").types("ga");
    assert_eq!(at(&bench), "garden");
    bench.types("t");
    assert_eq!(at(&bench), "gate");
    // What is not there is told when it is asked for; the cursor waits where it was.
    bench.types("x");
    assert_eq!(at(&bench), began);
    bench.keys("backspace backspace").types("rdeni");
    assert_eq!(at(&bench), "gardening");
    bench.keys("enter");
    assert_eq!(at(&bench), "gardening");
    // The next one is found from there on, and giving up leaves the cursor where it was.
    bench.keys("w").types("o");
    assert_eq!(at(&bench), "orchard");
    bench.keys("ctrl-c");
    assert_eq!(at(&bench), "gardening");
    bench.keys("w").types("zzz").keys("enter");
    assert_eq!(bench.said(), "Word not found");
    assert_eq!(at(&bench), "gardening");
}

#[test]
fn newsgroups_are_a_tree_with_the_subscribed_ones_first() {
    for (width, height) in SIZES {
        let choose = |options: &mut Options| {
            options.collections.push(Collection {
                name: "News".to_owned(),
                prefix: "#news.".to_owned(),
                delimiter: '.',
            });
        };
        let mut bench = bench_with(width, height, &mail(), choose);
        let root = bench.world.dir.path().join("news");
        for (group, articles) in [
            ("comp/mail/misc", 3),
            ("comp/mail/elm", 1),
            ("alt/gardens", 2),
        ] {
            let folder = root.join("spool").join(group);
            fs::create_dir_all(&folder).expect("a group");
            for number in 1..=articles {
                let path = folder.join(number.to_string());
                let text =
                    format!("Subject: article {number}\nMessage-ID: <{group}{number}@x>\n\nx\n");
                fs::write(&path, text).expect("an article");
                let day = UNIX_EPOCH + Duration::from_secs(1_772_443_231);
                let file = fs::File::options().write(true).open(&path);
                file.expect("there").set_modified(day).expect("its time");
            }
        }
        let active =
            "comp.mail.misc 3 1 y\ncomp.mail.elm 1 1 y\nalt.gardens 2 1 y\ncontrol 0 1 y\n";
        fs::write(root.join("active"), active).expect("written");
        let about = "comp.mail.misc\tGeneral talk about mail\ncomp.mail.elm\tThe elm program\n";
        fs::write(root.join("newsgroups"), about).expect("written");
        fs::write(bench.home(".newsrc"), "comp.mail.misc: 1\n").expect("written");
        let size = format!("{width}x{height}");
        bench.keys("l end enter");
        insta::assert_snapshot!(format!("news-{size}"), bench.screen());
        bench.keys("end enter enter");
        insta::assert_snapshot!(format!("news-described-{size}"), bench.screen());
        // They are found by what they are about too.
        bench.keys("w").types("general");
        assert_eq!(under_cursor(&bench), "misc");
        bench.keys("ctrl-c");
        // The group under the cursor, then one that is typed.
        bench.keys("s");
        assert_eq!(bench.said(), "Subscribed to \"#news.comp.mail.elm\"");
        bench.keys("s");
        assert!(bench.said().contains("subscribed"), "{}", bench.said());
        bench.keys("< < a").types("alt.gardens").keys("enter");
        assert_eq!(bench.said(), "Subscribed to \"#news.alt.gardens\"");
        bench.keys("a").types("no.such.group").keys("enter");
        let said = bench.state.status.shown().map(|said| said.is_error);
        assert_eq!(said, Some(true), "{}", bench.said());
        let newsrc = || fs::read_to_string(bench.home(".newsrc")).expect("there");
        assert!(newsrc().contains("alt.gardens:"), "{}", newsrc());
        bench.keys("r");
        assert_eq!(
            bench.said(),
            "Newsgroups get their names from the news server"
        );
        bench.keys("home enter");
        assert_eq!(
            bench.said(),
            "Folder \"#news.alt.gardens\" opened with 2 messages - 2 new"
        );
        bench.keys("d d");
        // Nothing is left here; there is in the next one of the list.
        bench.keys("tab y");
        assert!(
            bench
                .said()
                .starts_with("Folder \"#news.comp.mail.elm\" opened"),
            "{}",
            bench.said()
        );
        bench.keys("l home enter u u p u");
        // Read is what is marked deleted; hidden it comes back with &.
        bench.keys("d x y");
        assert!(bench.said().contains("hidden"), "{}", bench.said());
        assert!(
            fs::read_to_string(bench.home(".newsrc"))
                .expect("there")
                .contains("alt.gardens: 1")
        );
        bench.keys("&");
        assert_eq!(
            bench
                .state
                .mailbox
                .as_ref()
                .map(|open| open.list.messages().len()),
            Some(2)
        );
        bench.keys("ctrl-k n");
        assert_eq!(bench.said(), "Catch up cancelled");
        bench.keys("ctrl-k y");
        assert_eq!(bench.said(), "All messages are marked as read");
        assert!(
            fs::read_to_string(bench.home(".newsrc"))
                .expect("there")
                .contains("alt.gardens: 1-2")
        );
        bench.keys("u");
        bench.keys("l home d y");
        assert_eq!(bench.said(), "Unsubscribed from \"#news.alt.gardens\"");
        assert!(
            fs::read_to_string(bench.home(".newsrc"))
                .expect("there")
                .contains("alt.gardens! 1")
        );
        insta::assert_snapshot!(format!("news-again-{size}"), bench.screen());
    }
}

#[test]
fn a_whole_folder_is_copied_with_a_receipt() {
    for (size, mut bench) in benches() {
        bench.keys("n t").types("copy").keys("enter u");
        assert_eq!(bench.state.screen, Screen::Pager);
        assert!(
            bench
                .said()
                .ends_with("messages copied to \"copy\", all the same"),
            "{}",
            bench.said()
        );
        insta::assert_snapshot!(format!("receipt-{size}"), bench.screen());
        bench.keys("e");
        assert_eq!(bench.state.screen, Screen::Folders);
        // what is there is added to only after a question
        bench.keys("t").types("copy").keys("enter n");
        assert_eq!(bench.said(), "Transfer cancelled");
        let before = fs::read(bench.home("copy")).expect("there").len();
        bench.keys("t").types("copy").keys("enter y e");
        assert!(fs::read(bench.home("copy")).expect("there").len() > before);
        bench.keys("t").types("archive").keys("enter");
        assert_eq!(bench.said(), "A folder cannot be transferred to itself");
        // the open one too, with flags that are not on disk yet
        bench.keys("i 3 enter * * l home t").types("inbox-too");
        bench.keys("enter enter e");
        let copied = fs::read_to_string(bench.home("inbox-too")).expect("made");
        assert_eq!(copied.matches("X-Status: F").count(), 2, "{copied}");
    }
}

#[test]
fn a_folder_tells_what_it_is() {
    for (size, mut bench) in benches() {
        bench.keys("=");
        assert_eq!(bench.state.screen, Screen::Pager);
        insta::assert_snapshot!(format!("folder-information-{size}"), still(&mut bench));
        bench.keys("e i =");
        assert!(
            bench.screen().contains("Format       unix"),
            "{}",
            bench.screen()
        );
        bench.keys("e");
        assert_eq!(bench.state.screen, Screen::Index);
        bench.keys("l n n =");
        assert_eq!(bench.said(), "A directory; folders are below it");
    }
}

#[test]
fn folders_are_found_by_their_text() {
    for (size, mut bench) in benches() {
        bench.keys(";").types("pigeons").keys("enter");
        assert_eq!(bench.said(), "1 folder holds \"pigeons\"; < shows all");
        insta::assert_snapshot!(format!("folders-holding-{size}"), bench.screen());
        bench.keys("enter");
        assert_eq!(
            bench.said(),
            "Folder \"work/notes\" opened with 1 message - 1 new"
        );
        bench.keys("l <");
        assert_eq!(bench.state.folders.entries.len(), 3, "all again");
        bench.keys(";").types("nowhere at all").keys("enter");
        assert_eq!(bench.said(), "No folder holds \"nowhere at all\"");
        assert_eq!(bench.state.folders.entries.len(), 3);
        bench.keys(";").types("subject:").keys("enter");
        assert_eq!(
            bench.state.folders.entries.len(),
            3,
            "INBOX, archive, work/notes"
        );
    }
}

#[test]
fn a_mailbox_with_mailboxes_below_it_is_opened_and_looked_into() {
    for (size, mut bench) in benches() {
        for folder in ["box", "box/.Sub"] {
            for name in ["cur", "new", "tmp"] {
                fs::create_dir_all(bench.home(folder).join(name)).expect("a folder");
            }
        }
        let text = "From: Ann <ann@home.test>\nSubject: Pigeons\n\nx\n";
        fs::write(bench.home("box/.Sub/new/1.x"), text).expect("delivered");
        bench.keys("< l");
        insta::assert_snapshot!(format!("mailbox-and-directory-{size}"), bench.screen());
        // INBOX, archive, box, box/
        bench.keys("n n n enter");
        assert_eq!(bench.state.folders.directory, "box/");
        bench.keys("enter");
        assert_eq!(bench.state.screen, Screen::Index, "{}", bench.screen());
        assert!(bench.screen().contains("Pigeons"), "{}", bench.screen());
    }
}

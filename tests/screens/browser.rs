//! The files that answer a question.

use std::fs;

use mugo::tui::state::prompt::Kind;
use mugo::tui::state::screen::Screen;

use crate::bench::{Bench, bench, mail};

/// What stands in the open question.
fn typed(bench: &Bench) -> &str {
    match bench.state.prompt.as_ref().map(|prompt| &prompt.kind) {
        Some(Kind::Text(typed)) => typed.edit.text(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_chosen_from_those_that_are_there() {
    for (width, height) in [(80, 24), (40, 12)] {
        let mut bench = bench(width, height, &mail());
        fs::create_dir(bench.home("letters")).expect("a directory");
        fs::write(bench.home("letters/old.txt"), "x".repeat(2300)).expect("a file");
        fs::write(bench.home("note\u{1b}[31m.txt"), "x").expect("a file");
        fs::write(bench.home(".hidden"), "x").expect("a file");
        bench.keys("i 1 enter e ctrl-t");
        assert_eq!(bench.state.screen, Screen::Browser);
        let screen = bench.screen();
        let lines = screen.lines().skip(1).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(format!("browser-{width}x{height}"), lines);
        // the search, a directory, a file in it; the answer can still be changed
        bench.keys("w").types("lett").keys("enter enter");
        assert!(bench.screen().contains("old.txt"), "{}", bench.screen());
        bench.keys("n n enter");
        assert_eq!(typed(&bench), "letters/old.txt");
        bench.keys("ctrl-c");
        // a name that was typed goes into the directory that is chosen
        bench.keys("e").types("new.txt").keys("ctrl-t");
        bench.keys("w").types("letters").keys("enter enter n enter");
        assert_eq!(typed(&bench), "letters/new.txt");
        bench.keys("enter");
        assert!(bench.home("letters/new.txt").exists());
        // from below a directory and up again, the cursor stays where one was; no choice leaves all as it was
        bench.keys("e").types("letters/x").keys("ctrl-t <");
        let browser = bench.state.browser.as_ref().expect("a browser");
        assert!(
            browser
                .current()
                .is_some_and(|entry| entry.name.ends_with("letters"))
        );
        bench.keys("e");
        assert_eq!(typed(&bench), "letters/x");
        bench
            .keys("ctrl-k ctrl-a ctrl-k")
            .types("nowhere/x")
            .keys("ctrl-t");
        assert_eq!(bench.state.screen, Screen::Index);
        assert!(bench.state.prompt.is_some(), "the question is back");
        assert!(
            bench.said().starts_with("Cannot list the files: "),
            "{}",
            bench.said()
        );
    }
}

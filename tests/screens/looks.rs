//! Each screen at four sizes, as snapshots.

use crate::bench::{Bench, bench, mail};

const SIZES: [(u16, u16); 4] = [(80, 24), (40, 12), (100, 30), (160, 48)];

/// Draws what `keys` lead to at each size.
fn looks(name: &str, keys: &str) {
    looks_after(name, |bench| {
        bench.keys(keys);
    });
}

fn looks_after(name: &str, lead: impl Fn(&mut Bench)) {
    for (width, height) in SIZES {
        let mut bench = bench(width, height, &mail());
        let sent = bench.home("sent-mail");
        std::fs::write(sent, mail()).expect("a folder");
        std::fs::create_dir(bench.home("work")).expect("a directory");
        lead(&mut bench);
        insta::assert_snapshot!(format!("{name}-{width}x{height}"), bench.screen());
    }
}

#[test]
fn main_menu() {
    looks("main", "");
}

#[test]
fn folder_list() {
    looks("folders", "l");
}

#[test]
fn message_index() {
    looks("index", "i d");
}

#[test]
fn message_text() {
    looks("text", "i 3 enter enter");
}

#[test]
fn message_with_hostile_text() {
    looks("hostile", "i 5 enter enter h");
}

#[test]
fn attachment_index() {
    looks("attachments", "i 3 enter enter >");
}

#[test]
fn attached_text() {
    looks("attached-text", "i 3 enter enter > end v");
}

#[test]
fn flag_screen() {
    looks("flags", "i * ctrl-t n x");
}

#[test]
fn help_screen() {
    looks("help", "i ?");
}

#[test]
fn save_prompt() {
    looks("save-prompt", "i s");
}

#[test]
fn one_key_prompt() {
    looks("sort-prompt", "i $");
}

#[test]
fn second_page_of_the_key_menu() {
    looks("second-menu", "i o");
}

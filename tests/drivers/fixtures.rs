//! The fixtures of the real library, both ways: what their READMEs list is what is told, and one opening writes the same bytes.

use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::mbx::Mbx;
use mugo::driver::mmdf::Mmdf;
use mugo::driver::unix::Unix;
use mugo::driver::{mtx, tenex};
use mugo::mail::flags::SystemFlags;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;

use crate::desk::{Desk, fixture, open};

/// One line of a README's table.
struct Row {
    file: &'static str,
    uid: u32,
    size: u64,
    header: usize,
    text: usize,
    date: String,
    flags: String,
}

/// The tables of the README: a heading names the file, rows start with `| 1 |`.
fn rows(readme: &'static str) -> Vec<Row> {
    let mut file = "";
    let mut rows = Vec::new();
    for line in readme.lines() {
        if let Some(name) = line.strip_prefix("## `") {
            file = name.trim_end_matches('`');
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, seq, uid, size, header, text, date, flags, words, _] = cells[..] else {
            continue;
        };
        if seq.parse::<u32>().is_err() {
            continue;
        }
        let all = format!("{flags} {words}").replace(['-'], "");
        rows.push(Row {
            file,
            uid: uid.parse().expect("a UID"),
            size: size.parse().expect("a size"),
            header: header.parse().expect("a size"),
            text: text.parse().expect("a size"),
            date: date.trim_matches('`').to_owned(),
            flags: all.split_whitespace().collect::<Vec<_>>().join(" "),
        });
    }
    rows
}

#[test]
fn every_unix_fixture_reads_as_the_library_says() {
    let rows = rows(include_str!("../fixtures/unix/README.md"));
    let desk = Desk::new();
    reads_as_the_library_says(&desk, &Unix::new(&desk.environment), &rows, 17);
}

#[test]
fn every_mmdf_fixture_reads_as_the_library_says() {
    let rows = rows(include_str!("../fixtures/mmdf/README.md"));
    let desk = Desk::new();
    reads_as_the_library_says(&desk, &Mmdf::new(&desk.environment), &rows, 2);
}

#[test]
fn every_mbx_fixture_reads_as_the_library_says() {
    let rows = rows(include_str!("../fixtures/mbx/README.md"));
    let files: Vec<Row> = rows
        .into_iter()
        .filter(|row| !row.file.starts_with("snarf"))
        .collect();
    let desk = Desk::new();
    reads_as_the_library_says(&desk, &Mbx::new(&desk.environment), &files, 3);
}

#[test]
fn every_tenex_and_mtx_fixture_reads_as_the_library_says() {
    let tenex = rows(include_str!("../fixtures/tenex/README.md"));
    let mtx = rows(include_str!("../fixtures/mtx/README.md"));
    let desk = Desk::new();
    let mut environment = desk.world.another(Arc::clone(&desk.environment.files));
    environment.formats.keywords = ["Work", "Later", "Junk"].map(str::to_owned).to_vec();
    let environment = Arc::new(environment);
    for (driver, rows) in [
        (tenex::driver(&environment), tenex),
        (mtx::driver(&environment), mtx),
    ] {
        let plain = rows
            .into_iter()
            .filter(|row| !row.file.starts_with("snarf"));
        let files: Vec<Row> = plain.collect();
        reads_as_the_library_says(&desk, &driver, &files, 2);
    }
}

fn reads_as_the_library_says(desk: &Desk, driver: &dyn LocalDriver, rows: &[Row], count: usize) {
    let name = driver.characteristics().driver;
    let files: std::collections::BTreeSet<_> = rows.iter().map(|row| row.file).collect();
    assert_eq!(files.len(), count);
    for file in files {
        let bytes = fixture(&format!("{name}/{file}"));
        let place = desk.place("box", &bytes);
        touch(&place.path);
        let mut opened = open(driver, &place, Access::ReadOnly).expect(file);
        let expected: Vec<_> = rows.iter().filter(|row| row.file == file).collect();
        assert_eq!(opened.list.len(), expected.len(), "{file}");
        for (row, found) in expected.iter().zip(opened.list.messages().to_vec()) {
            let at = format!("{file} {}", row.uid);
            assert_eq!(found.uid.get(), row.uid, "{at}");
            assert_eq!(found.rfc822_size, row.size, "{at}");
            assert_eq!(
                found.internal_date.to_fixed().trim(),
                row.date.trim(),
                "{at}"
            );
            let order = ["Recent", "Seen", "Flagged", "Answered", "Deleted", "Draft"];
            let names = order.iter().filter(|name| {
                let flag = SystemFlags::named(&format!("\\{name}")).expect("a flag");
                found.flags.has(flag)
            });
            let words = found.flags.keywords().iter().map(|word| word.as_str());
            let flags: Vec<&str> = names.copied().chain(words).collect();
            assert_eq!(flags.join(" "), row.flags, "{at}");
            assert_eq!(opened.read(row.uid, Part::Header).len(), row.header, "{at}");
            assert_eq!(opened.read(row.uid, Part::Text).len(), row.text, "{at}");
            assert_eq!(
                opened.read(row.uid, Part::Whole).len() as u64,
                row.size,
                "{at}"
            );
        }
        opened.close().expect("closed");
        assert!(
            std::fs::read(&place.path).expect("there") == bytes,
            "{file} was changed"
        );
    }
}

/// Gives a file the time that its README says.
fn touch(path: &std::path::Path) {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_769_997_722);
    let file = std::fs::File::options().write(true).open(path);
    file.and_then(|file| file.set_modified(time))
        .expect("its time");
}

/// A new UIDVALIDITY is the time of the opening: blanked, for comparing.
fn without_validity(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let lines = text
        .split_inclusive('\n')
        .map(|line| match line.split_once("base: ") {
            Some((name, value)) => {
                let rest = value.split_once(' ').map_or("", |(_, rest)| rest);
                format!("{name}base: V {rest}")
            }
            None => line.to_owned(),
        });
    lines.collect()
}

#[test]
fn one_opening_leaves_what_the_library_leaves() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    for name in [
        "delivered",
        "crlf",
        "odd",
        "bogus-headers",
        "uids-forward",
        "uids-backward",
    ] {
        let place = desk.place(name, &fixture(&format!("unix/input/{name}")));
        let opened = open(&driver, &place, Access::ReadWrite).expect(name);
        opened.close().expect(name);
        let after = std::fs::read(&place.path).expect(name);
        let expected = fixture(&format!("unix/input/{name}.after"));
        assert_eq!(
            without_validity(&after),
            without_validity(&expected),
            "{name}"
        );
    }
}

#[test]
fn opening_and_closing_a_marked_mailbox_changes_no_byte() {
    let desk = Desk::new();
    for name in [
        "unix/two",
        "unix/imapbase",
        "unix/created-empty",
        "unix/expunged",
        "unix/input/delivered.after",
        "mmdf/two",
        "mmdf/created-empty",
    ] {
        let driver = match name.starts_with("mmdf") {
            true => Mmdf::new(&desk.environment),
            false => Unix::new(&desk.environment),
        };
        let before = fixture(name);
        let place = desk.place("box", &before);
        let opened = open(&driver, &place, Access::ReadWrite).expect(name);
        opened.close().expect(name);
        assert!(std::fs::read(&place.path).expect(name) == before, "{name}");
    }
}

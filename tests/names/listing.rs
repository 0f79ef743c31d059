//! LIST over the files of a home.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command;

use mugo::backend::browse::{BATCH, list, root};
use mugo::backend::error::Error;
use mugo::mail::listing::{Attribute, ListEntry};
use mugo::os::home::Overrides;
use mugo::os::naming::{Naming, Restrictions};

use crate::homes::{Home, job};

fn entries(home: &Home, reference: &str, pattern: &str) -> Result<Vec<ListEntry>, Error> {
    let environment = home.environment();
    let (job, ..) = job();
    let mut all = Vec::new();
    let mut found = |batch: Vec<ListEntry>| {
        assert!(batch.len() <= BATCH);
        all.extend(batch);
    };
    list(
        &environment,
        reference.as_bytes(),
        pattern.as_bytes(),
        &job,
        &mut found,
    )?;
    Ok(all)
}

/// The names, each with the first letters of its attributes.
fn names(home: &Home, reference: &str, pattern: &str) -> Vec<String> {
    let shown = |entry: &ListEntry| {
        let attributes = entry
            .attributes
            .iter()
            .map(|attribute| match attribute.name() {
                "\\NoInferiors" => 'f',
                "\\NoSelect" => 'd',
                "\\Marked" => '!',
                "\\Unmarked" => '.',
                "\\HasChildren" => '+',
                _ => '-',
            });
        let attributes: String = attributes.collect();
        format!(
            "{} {attributes}",
            String::from_utf8_lossy(entry.name.as_bytes())
        )
    };
    entries(home, reference, pattern)
        .expect(pattern)
        .iter()
        .map(shown)
        .collect()
}

fn home() -> Home {
    let home = Home::new();
    home.write("b/deep/er/x", b"x");
    home.write("b/two", b"");
    home.write("a", b"");
    home.write("c.txt", b"x");
    fs::create_dir(home.path("void")).expect("a folder");
    home
}

#[test]
fn patterns_choose_among_sorted_names() {
    let home = home();
    // Read long ago, then written: marked.
    let times = fs::FileTimes::new().set_accessed(std::time::SystemTime::UNIX_EPOCH);
    let file = fs::File::options()
        .write(true)
        .open(home.path("c.txt"))
        .expect("a file");
    file.set_times(times).expect("times");
    for (reference, pattern, expected) in [
        (
            "",
            "%",
            &["a f.", "b d+", "c.txt f!", "void d-", "INBOX f"][..],
        ),
        ("", "b/%", &["b/ d+", "b/deep d+", "b/two f."][..]),
        ("b/", "%", &["b/ d+", "b/deep d+", "b/two f."][..]),
        ("", "b/*x", &["b/deep/er/x f."][..]),
        ("", "*/er", &["b/deep/er d+"][..]),
        ("", "%/", &["b/ d+", "void/ d-"][..]),
        ("", "a", &["a f."][..]),
        ("", "A", &[][..]),
        ("", "i%", &["INBOX f"][..]),
        ("x", "inbox", &[][..]),
        ("", "inbox", &["INBOX f"][..]),
        ("nothing/", "%", &[][..]),
        ("a/", "%", &[][..]),
        (
            "ignored",
            "~/%",
            &["~/ d+", "~/a f.", "~/b d+", "~/c.txt f!", "~/void d-"][..],
        ),
    ] {
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        let mut found = names(&home, reference, pattern);
        // The access time of `x` is the time of its writing, which may or may not count as read.
        found.iter_mut().for_each(|name| {
            if name.starts_with("b/deep/er/x") {
                *name = name.replace('!', ".");
            }
        });
        assert_eq!(found, expected, "{reference:?} {pattern:?}");
    }
    let absolute = format!("{}/%", home.path("b").display());
    let found = entries(&home, "ignored", &absolute).expect("a list");
    assert_eq!(found.len(), 3);
    let everything = names(&home, "", "*");
    assert_eq!(everything.len(), 9, "{everything:?}");
}

#[test]
fn hostile_files_do_not_disturb() {
    let home = Home::new();
    for file in [
        &b"bad\xff"[..],
        b"esc\x1b[31m",
        b"two\nlines",
        b"~fred",
        b"#x",
        b"{h}",
        b"inbox",
    ] {
        fs::write(home.path("").join(OsStr::from_bytes(file)), b"").expect("a file");
    }
    fs::write(home.path("").join("n".repeat(255)), b"").expect("a file");
    symlink("nowhere", home.path("dangling")).expect("a link");
    let fifo = Command::new("mkfifo").arg(home.path("fifo")).status();
    assert!(
        fifo.is_ok_and(|status| status.success()),
        "mkfifo makes a FIFO"
    );
    home.write("INBOX.d/x", b"");
    home.write("Inbox/y", b"");
    let found = entries(&home, "", "*").expect("a list");
    let found: Vec<&[u8]> = found.iter().map(|entry| entry.name.as_bytes()).collect();
    let long = "n".repeat(255);
    let expected: [&[u8]; 7] = [
        b"INBOX.d",
        b"INBOX.d/x",
        b"Inbox/y",
        b"bad\xff",
        b"esc\x1b[31m",
        long.as_bytes(),
        b"INBOX",
    ];
    assert_eq!(found, expected);
}

#[test]
fn links_do_not_lead_in_circles() {
    let home = Home::new();
    home.write("real/x", b"");
    for (link, target) in [
        ("real/up", ".."),
        ("real/self", "."),
        ("again", "real"),
        ("zz", "real/x"),
    ] {
        symlink(target, home.path(link)).expect("a link");
    }
    let found: Vec<String> = entries(&home, "", "*")
        .expect("a list")
        .iter()
        .map(|entry| String::from_utf8_lossy(entry.name.as_bytes()).into_owned())
        .collect();
    let inside = [
        "again",
        "again/self",
        "again/up",
        "again/x",
        "real",
        "real/self",
        "real/up",
        "real/x",
    ];
    assert_eq!(found, [&inside[..], &["zz", "INBOX"]].concat());
    // 24 levels, with two links from each to the next: 16 million ways.
    let mut folder = String::from("ladder");
    for _ in 0..24 {
        fs::create_dir(home.path(&folder)).expect("a folder");
        symlink("n", home.path(&folder).join("l")).expect("a link");
        symlink("n", home.path(&folder).join("m")).expect("a link");
        folder.push_str("/n");
    }
    let found = entries(&home, "", "ladder/*").expect("a list");
    assert!(found.len() < 2_000, "{}", found.len());
}

#[test]
fn the_walk_ends_twenty_levels_down() {
    let home = Home::new();
    let folders = vec!["d"; 25].join("/");
    fs::create_dir_all(home.path(&folders)).expect("folders");
    let found = entries(&home, "", "d*").expect("a list");
    assert_eq!(found.len(), 21);
}

#[test]
fn many_names_come_in_batches_and_can_be_cancelled() {
    let home = Home::new();
    for number in 0..1_200 {
        fs::write(home.path(&format!("m{number:04}")), b"").expect("a file");
    }
    let environment = home.environment();
    let (job, _, cancel) = job();
    let mut sizes = Vec::new();
    let mut found = |batch: Vec<ListEntry>| {
        sizes.push(batch.len());
        cancel.cancel();
    };
    let outcome = list(&environment, b"", b"*", &job, &mut found);
    assert!(matches!(outcome, Err(Error::Cancelled)));
    assert_eq!(sizes, [BATCH]);
    assert_eq!(entries(&home, "", "*").expect("a list").len(), 1_201);
}

/// The list of groups `active`, in the home.
fn with_groups(home: &Home, active: &str) -> Overrides {
    home.write("news/active", active.as_bytes());
    Overrides {
        naming: home.with_news(),
        ..home.overrides()
    }
}

#[test]
fn newsgroups_are_listed_by_the_active_file() {
    let home = Home::new();
    let overrides = with_groups(
        &home,
        "comp.mail.misc 0000000105 0000000101 y\ncomp.mail.elm 0 1 y\nalt.test 10 1 m\ng 12 1 y\r\n\
         comp.lang.c 0 1 y\ng.h 1 1 n\n/etc 1 1 y\na..b 1 1 y\n\n",
    );
    let environment = home.environment_with(overrides);
    let (job, ..) = job();
    for (reference, pattern, expected) in [
        ("", "#news.%", "alt/ comp/ g+"),
        ("#news.", "%", "alt/ comp/ g+"),
        (
            "",
            "#news.*",
            "alt.test comp.lang.c comp.mail.elm comp.mail.misc g g.h",
        ),
        ("", "#news.comp.%", "comp.lang/ comp.mail/"),
        ("#news.comp.", ".%", "comp.lang/ comp.mail/"),
        ("#news.comp", "%", "comp/"),
        ("#news.comp.mail.", "m%", "comp.mail.misc"),
        ("", "#news.%.%", "alt.test comp.lang/ comp.mail/ g.h"),
        ("", "#news.alt.test", "alt.test"),
        ("", "#news.ALT*", ""),
        ("ignored", "#news.*.elm", "comp.mail.elm"),
    ] {
        let mut all = Vec::new();
        let mut found = |batch: Vec<ListEntry>| all.extend(batch);
        let (reference, pattern) = (reference.as_bytes(), pattern.as_bytes());
        list(&environment, reference, pattern, &job, &mut found).expect("a list");
        let shown = all.iter().map(|entry| {
            assert_eq!(entry.delimiter, Some('.'));
            let name = String::from_utf8_lossy(entry.name.as_bytes()).into_owned();
            let parent = match entry.attributes[..] {
                [] => "",
                [Attribute::HasChildren] => "+",
                _ => "/",
            };
            name.replace("#news.", "") + parent
        });
        let shown: Vec<String> = shown.collect();
        assert_eq!(shown.join(" "), expected, "{pattern:?}");
    }
    let long = "x".repeat(100_000);
    let text = format!("comp.mail.misc\t\tGeneral talk\u{1b}[31m\r\nalt.test   \ng\ta {long}\n");
    let text = [text.as_bytes(), b"\xff\tb\nno.such c"].concat();
    home.write("news/newsgroups", &text);
    let mut told = Vec::new();
    let mut found = |batch: Vec<ListEntry>| told.extend(batch);
    list(&environment, b"", b"#news.*", &job, &mut found).expect("a list");
    let described = told.iter().filter_map(|entry| entry.description.as_ref());
    let lengths: Vec<usize> = described.clone().map(|text| text.raw().len()).collect();
    assert_eq!(lengths, [17, 200]);
    let shown: Vec<String> = described
        .map(|text| text.field().as_str().to_owned())
        .collect();
    assert!(
        shown.iter().all(|text| !text.contains('\u{1b}')),
        "{shown:?}"
    );
    fs::remove_file(home.path("news/active")).expect("removed");
    let mut none = |_| panic!("nothing is there");
    list(&environment, b"", b"#news.*", &job, &mut none).expect("a list");
}

#[test]
fn what_cannot_be_listed_says_why() {
    let home = Home::new();
    for pattern in ["#mh/%", "#mhinbox"] {
        assert!(matches!(entries(&home, "", pattern), Err(Error::Driver(_))));
    }
    // Names on servers are not for this walk.
    let refused = entries(&home, "", "{h}%");
    assert!(matches!(refused, Err(Error::Name(_))));
    assert!(matches!(entries(&home, "{h}", "%"), Err(Error::Name(_))));
    assert!(matches!(entries(&home, "", "#x%"), Err(Error::Name(_))));
    assert!(matches!(
        entries(&home, "", &"*".repeat(257)),
        Err(Error::Name(_))
    ));
    assert!(matches!(
        entries(&home, "", "~no-such-user/%"),
        Err(Error::NoSuchUser(_))
    ));
    let restricted = home.environment_with(Overrides {
        naming: Naming {
            restrictions: Restrictions::ALL,
            ..Naming::default()
        },
        ..home.overrides()
    });
    let (job, ..) = job();
    let refused = list(&restricted, b"", b"/%", &job, &mut |_| {});
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
}

#[test]
fn a_directory_that_is_a_mailbox_can_be_opened_and_shows_only_mailboxes_below_it() {
    let home = Home::new();
    for mailbox in ["m", "m/.Below", "m/.Below/deep"] {
        for folder in ["cur", "new", "tmp"] {
            home.write(&format!("{mailbox}/{folder}/file"), b"");
        }
    }
    fs::remove_file(home.path("m/.Below/new/file")).expect("removed");
    home.write("m/dovecot-uidlist", b"");
    home.write("m/.Below/maildirfolder", b"");
    home.write("n/cur/x", b"");
    home.write("n/new", b"");
    assert_eq!(
        names(&home, "", "m*"),
        ["m !+", "m/.Below .+", "m/.Below/deep !-"]
    );
    assert_eq!(names(&home, "", "m/%"), ["m/ !+", "m/.Below .+"]);
    assert_eq!(
        names(&home, "m/.Below/", "%"),
        ["m/.Below/ .+", "m/.Below/deep !-"]
    );
    assert_eq!(
        names(&home, "", "n*"),
        ["n d+", "n/cur d+", "n/cur/x f.", "n/new f."]
    );
}

#[test]
fn locks_and_hidden_names_are_left_out() {
    let home = Home::new();
    for name in [
        "box",
        "box.lock",
        "box.lock.1767607200.17.3.host",
        "box.locker",
        "pad.lock",
        ".hidden",
        ".dir/x",
    ] {
        home.write(name, b"");
    }
    let shown = |found: Vec<ListEntry>| -> Vec<String> {
        let text = |entry: ListEntry| String::from_utf8_lossy(entry.name.as_bytes()).into_owned();
        found.into_iter().map(text).collect()
    };
    let all = shown(entries(&home, "", "*").expect("a list"));
    let plain = ["box", "box.locker", "pad.lock", "INBOX"];
    let dotted = [".dir", ".dir/x", ".hidden"];
    assert_eq!(all, [&dotted[..], &plain[..]].concat());
    let hiding = home.environment_with(Overrides {
        hide_dot_files: true,
        ..home.overrides()
    });
    let (job, ..) = job();
    let mut found = Vec::new();
    list(&hiding, b"", b"*", &job, &mut |batch| found.extend(batch)).expect("a list");
    assert_eq!(shown(found), plain);
}

#[test]
fn a_walk_ends_at_twenty_levels_and_ten_wildcards() {
    let home = Home::new();
    let deep = "d/".repeat(25);
    home.write(&format!("{deep}x"), b"x");
    symlink("..", home.path("d/up")).expect("a link");
    let all = names(&home, "", "*");
    let deepest = all.iter().map(|name| name.matches('/').count()).max();
    assert_eq!(deepest, Some(20), "{all:?}");
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all.len(), "no name twice");
    assert_eq!(names(&home, "", &"%*".repeat(5)).len(), all.len());
    let refused = entries(&home, "", &"%*".repeat(6));
    assert!(matches!(refused, Err(Error::TooManyWildcards(10))));
    assert_eq!(refused.expect_err("refused").exit_code(), 1);
}

#[test]
fn mailboxes_of_mh_are_the_directories_below_theirs() {
    let home = Home::new();
    home.write(".mh_profile", b"Path: post\n");
    home.write("post/inbox/1", b"Subject: x\n\n");
    home.write("post/inbox/.mh_sequences", b"unseen: 1\n");
    home.write("post/inbox/sub/2", b"Subject: x\n\n");
    home.write("post/inbox/5/x", b"");
    home.write("post/inbox/,1", b"");
    home.write("post/2020/1", b"Subject: x\n\n");
    home.write("post/.hidden/1", b"");
    home.write("post/inbox/.old/1", b"");
    home.write("post/context", b"");
    for (reference, pattern, expected) in [
        ("", "#mh/%", &["#mh/2020 .-", "#mh/inbox !+"][..]),
        (
            "#mh/",
            "*",
            &["#mh/2020 .-", "#mh/inbox !+", "#mh/inbox/sub .-"][..],
        ),
        ("#mh/inbox/", "%", &["#mh/inbox/sub .-"][..]),
        ("ignored", "#MHinbox", &["#mhinbox f"][..]),
        (
            "",
            "post/%",
            &[
                "post/ d+",
                "post/.hidden .-",
                "post/2020 .-",
                "post/context f.",
                "post/inbox !+",
            ][..],
        ),
    ] {
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        let mut found = names(&home, reference, pattern);
        found.iter_mut().for_each(|name| {
            if name.starts_with("post/context") {
                *name = name.replace('!', ".");
            }
        });
        assert_eq!(found, expected, "{reference:?} {pattern:?}");
    }
}

#[test]
fn a_root_is_what_stands_before_the_first_level() {
    for (reference, name, delimiter) in [
        ("", "", '/'),
        ("box", "", '/'),
        ("~/b", "~/", '/'),
        ("/a/b", "/", '/'),
        ("#mh/", "#mh/", '/'),
        ("#mh/a/b", "#mh/", '/'),
        ("#news.", "#news.", '.'),
        ("#news.comp.mail", "#news.", '.'),
        ("#shared/x", "#shared/", '/'),
    ] {
        let root = root(reference.as_bytes());
        assert_eq!((root.name.raw(), root.delimiter), (name, delimiter));
    }
}

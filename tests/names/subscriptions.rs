//! `.mailboxlist`: what is written, what is kept, what is told.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use mugo::backend::error::Error;
use mugo::backend::subscriptions::{follow_delete, follow_rename, list, subscribe, unsubscribe};
use mugo::driver::error::Error as DriverError;
use mugo::mail::listing::ListEntry;
use mugo::os::home::Overrides;

use crate::homes::{Home, job, name};

fn stored(home: &Home) -> String {
    let bytes = fs::read(home.path(".mailboxlist")).unwrap_or_default();
    String::from_utf8(bytes).expect("text")
}

fn names(home: &Home, reference: &str, pattern: &str) -> Vec<String> {
    let environment = home.environment();
    let mut all = Vec::new();
    let mut found = |batch: Vec<ListEntry>| all.extend(batch);
    list(
        &environment,
        reference.as_bytes(),
        pattern.as_bytes(),
        &mut found,
    )
    .expect("a list");
    let shown = |entry: &ListEntry| {
        let parent = if entry.attributes.is_empty() {
            ""
        } else {
            " parent"
        };
        format!("{}{parent}", String::from_utf8_lossy(entry.name.as_bytes()))
    };
    all.iter().map(shown).collect()
}

#[test]
fn names_come_and_go() {
    let home = Home::new();
    home.write("work", b"");
    home.write("folder/a", b"");
    let environment = home.environment();
    let (job, heard, _) = job();
    for text in ["work", "inbox", "folder"] {
        subscribe(&environment, &name(text), &job).expect(text);
    }
    assert_eq!(stored(&home), "work\nINBOX\nfolder\n");
    assert_eq!(
        heard.notices.lock().expect("whole").len(),
        1,
        "about the folder"
    );
    let mode = fs::metadata(home.path(".mailboxlist"))
        .expect("a list")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(matches!(
        subscribe(&environment, &name("INBOX"), &job),
        Err(Error::Subscribed(_))
    ));
    let missing = subscribe(&environment, &name("missing"), &job);
    assert!(matches!(
        missing,
        Err(Error::Driver(DriverError::NoSuchMailbox { .. }))
    ));
    for text in ["#driver.unix/work", "#news.comp.mail", "#mh/x"] {
        assert!(
            subscribe(&environment, &name(text), &job).is_err(),
            "{text}"
        );
    }
    unsubscribe(&environment, &name("work"), &job).expect("subscribed");
    assert!(matches!(
        unsubscribe(&environment, &name("work"), &job),
        Err(Error::NotSubscribed(_))
    ));
    assert_eq!(stored(&home), "INBOX\nfolder\n");
    let left: Vec<_> = fs::read_dir(home.path(""))
        .expect("a folder")
        .flatten()
        .collect();
    assert_eq!(
        left.len(),
        3,
        "no lock and no temporary file stays: {left:?}"
    );
}

#[test]
fn lines_that_are_not_understood_stay() {
    let home = Home::new();
    let old = "{bad\n\nwork\r\n#unknown\nwork\n{h/imap}x\nlast";
    home.write(".mailboxlist", old.as_bytes());
    home.write("work", b"");
    let environment = home.environment();
    let (job, ..) = job();
    unsubscribe(&environment, &name("work"), &job).expect("subscribed");
    assert_eq!(stored(&home), "{bad\n\nwork\r\n#unknown\n{h/imap}x\nlast");
    subscribe(&environment, &name("work"), &job).expect("new");
    assert_eq!(
        stored(&home),
        "{bad\n\nwork\r\n#unknown\n{h/imap}x\nlast\nwork\n"
    );
}

#[test]
fn a_list_behind_a_link_stays_there() {
    let home = Home::new();
    home.write("dotfiles/list", b"INBOX\n");
    home.write("work", b"");
    symlink("dotfiles/list", home.path(".mailboxlist")).expect("a link");
    let (job, ..) = job();
    subscribe(&home.environment(), &name("work"), &job).expect("new");
    assert_eq!(
        fs::read(home.path("dotfiles/list")).expect("a list"),
        b"INBOX\nwork\n"
    );
    let link = fs::symlink_metadata(home.path(".mailboxlist")).expect("a link");
    assert!(link.is_symlink());
}

#[test]
fn the_list_follows_renames_and_deletes() {
    let home = Home::new();
    home.write(".mailboxlist", b"a\na/b\nab\nINBOX\nx\n");
    let environment = home.environment();
    let (job, ..) = job();
    follow_rename(&environment, &name("a/"), &name("new/"), &job).expect("a list");
    assert_eq!(stored(&home), "new\nnew/b\nab\nINBOX\nx\n");
    follow_rename(&environment, &name("INBOX"), &name("saved"), &job).expect("a list");
    follow_delete(&environment, &name("x"), &job).expect("a list");
    follow_delete(&environment, &name("not there"), &job).expect("a list");
    assert_eq!(stored(&home), "new\nnew/b\nab\nINBOX\n");
    let bare = Home::new();
    follow_delete(&bare.environment(), &name("x"), &job).expect("no list");
    assert!(!bare.path(".mailboxlist").exists());
}

#[test]
fn patterns_choose_among_subscribed_names() {
    let home = Home::new();
    let text = b"work/a/deep\nINBOX\nbox\nwork/b\n{h/imap}far\nwork\n#news.comp.mail.misc\n~fred/x\nbad\r\n";
    home.write(".mailboxlist", text);
    for (reference, pattern, expected) in [
        (
            "",
            "*",
            &[
                "#news.comp.mail.misc",
                "box",
                "work",
                "work/a/deep",
                "work/b",
                "~fred/x",
                "INBOX",
            ][..],
        ),
        (
            "",
            "%",
            &[
                "#news.comp.mail.misc parent",
                "box",
                "work",
                "~fred parent",
                "INBOX",
            ][..],
        ),
        ("work/", "%", &["work/a parent", "work/b"][..]),
        ("", "in*", &["INBOX"][..]),
        ("", "#news.%", &["#news.comp parent"][..]),
        ("", "{h*", &["{h/imap}far"][..]),
        ("", "WORK", &[][..]),
    ] {
        let found = names(&home, reference, pattern);
        if pattern != "%" || !reference.is_empty() {
            assert_eq!(found, expected, "{reference} {pattern}");
        } else {
            let plain: Vec<&String> = found.iter().filter(|name| !name.starts_with('#')).collect();
            assert_eq!(plain, expected.iter().skip(1).collect::<Vec<_>>());
        }
    }
}

#[test]
fn newsgroups_are_subscribed_in_newsrc() {
    let home = Home::new();
    home.write("news/spool/x", b"");
    home.write("news/active", b"a.one 1 1 y\nb.two 1 1 y\nc.three 1 1 y\n");
    home.write(
        ".newsrc",
        b"options\na.one! 1-5\nold.group: 3\nno.group: \n",
    );
    let environment = home.environment_with(Overrides {
        naming: home.with_news(),
        ..home.overrides()
    });
    let (job, ..) = job();
    let act = |subscribes: bool, group: &str| match subscribes {
        true => subscribe(&environment, &name(group), &job),
        false => unsubscribe(&environment, &name(group), &job),
    };
    for (subscribes, group) in [
        (true, "#news.a.one"),
        (true, "#news.b.two"),
        (false, "#news.no.group"),
    ] {
        act(subscribes, group).expect(group);
    }
    let newsrc = || String::from_utf8(fs::read(home.path(".newsrc")).expect("there"));
    let expected = "options\na.one: 1-5\nold.group: 3\nno.group! \nb.two: \n";
    assert_eq!(newsrc().expect("text"), expected);
    assert!(matches!(
        act(true, "#news.a.one"),
        Err(Error::Subscribed(_))
    ));
    assert!(matches!(
        act(false, "#news.c.three"),
        Err(Error::NotSubscribed(_))
    ));
    assert!(matches!(
        act(true, "#news.no.such"),
        Err(Error::Driver(DriverError::NoSuchMailbox { .. }))
    ));
    assert!(matches!(
        act(true, "#news.a,b"),
        Err(Error::Driver(DriverError::Refused(_)))
    ));
    assert_eq!(newsrc().expect("text"), expected);
    assert_eq!(stored(&home), "");
    let listed = |pattern| names(&home, "", pattern);
    assert_eq!(
        listed("#news.*"),
        ["#news.a.one", "#news.b.two", "#news.old.group"]
    );
    assert_eq!(
        listed("#news.%"),
        ["#news.a parent", "#news.b parent", "#news.old parent"]
    );
    assert!(listed("*").is_empty());
}

#[test]
fn nothing_is_written_in_a_read_only_run() {
    let home = Home::new();
    home.write("work", b"");
    let environment = home.environment_with(Overrides {
        read_only: true,
        ..home.overrides()
    });
    let (job, ..) = job();
    assert!(matches!(
        subscribe(&environment, &name("work"), &job),
        Err(Error::ReadOnlyRun)
    ));
    assert!(!home.path(".mailboxlist").exists());
}

#[test]
fn the_list_follows_a_mailbox_by_any_of_its_names() {
    let home = Home::new();
    home.write("e/b", b"");
    home.write("other", b"");
    let environment = home.environment();
    let (job, _, _) = job();
    let whole = home.path("e/b").to_string_lossy().into_owned();
    for (typed, renamed) in [("e/b", "~/e/b"), ("~/e/b", "e/b"), (&*whole, "e/b")] {
        fs::write(home.path(".mailboxlist"), format!("other\n{typed}\n")).expect("a list");
        follow_rename(&environment, &name(renamed), &name("f"), &job).expect(typed);
        assert_eq!(stored(&home), "other\nf\n", "{typed}");
    }
    // What is below a directory keeps what follows its name.
    fs::write(home.path(".mailboxlist"), "~/e/b\ne\n").expect("a list");
    follow_rename(&environment, &name("e"), &name("g"), &job).expect("followed");
    assert_eq!(stored(&home), "g/b\ng\n");
    fs::write(home.path(".mailboxlist"), "~/other\nINBOX\n").expect("a list");
    follow_delete(&environment, &name("other"), &job).expect("followed");
    assert_eq!(stored(&home), "INBOX\n");
}

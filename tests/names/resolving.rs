//! The table of names in every mode, and what is forbidden.

use std::ffi::OsStr;
use std::path::{Component, PathBuf};
use std::sync::LazyLock;

use mugo::backend::error::Error;
use mugo::backend::resolve::{Target, resolve, resolve_with};
use mugo::driver::error::Error as DriverError;
use mugo::driver::place::Protection;
use mugo::mail::name::MailboxName;
use mugo::os::environment::Environment;
use mugo::os::home::Overrides;
use mugo::os::naming::{Mode, Naming, Restrictions};
use proptest::prelude::*;

use crate::homes::{Home, name};

/// Users of an imagined machine.
fn homes(user: &OsStr) -> Option<PathBuf> {
    let known = ["fred", "ftp", "imappublic", "imapshared"];
    let user = user.to_str().filter(|user| known.contains(user))?;
    Some(PathBuf::from("/homes").join(user))
}

/// Where a name leads: a path, with the home as `H` and the spool as `S`, or the kind of error.
fn leads(home: &Home, environment: &Environment, text: &str) -> String {
    let place = match resolve_with(environment, &name(text), &homes) {
        Ok(Target::Local(place)) => place,
        Ok(Target::Remote(server, mailbox)) => {
            return format!("{} {}", server.host(), String::from_utf8_lossy(&mailbox));
        }
        Err(error) => return kind(&error).to_owned(),
    };
    assert_eq!(
        place.is_inbox,
        text.eq_ignore_ascii_case("INBOX") || text == "#driver.unix/INBOX"
    );
    let path = place.path.to_str().expect("text").to_owned();
    let home = home
        .path("")
        .to_str()
        .expect("text")
        .trim_end_matches('/')
        .to_owned();
    let spool = environment.spool.to_str().expect("text");
    path.replace(spool, "S")
        .replace(&format!("{home}/"), "H/")
        .replace(&home, "H")
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Forbidden { .. } => "forbidden",
        Error::NotYet { .. } => "not yet",
        Error::Driver(DriverError::Refused(_)) => "refused",
        Error::NoSuchUser(_) => "no user",
        _ => "other",
    }
}

#[test]
fn newsgroups_are_in_the_news_spool() {
    let home = Home::new();
    let environment = home.environment_with(Overrides {
        naming: home.with_news(),
        ..home.overrides()
    });
    let found = leads(&home, &environment, "#news.comp.mail");
    assert_eq!(found, "H/news/spool/comp/mail");
}

#[test]
fn a_clear_box() {
    let home = Home::new();
    let environment = home.environment();
    for (text, expected) in [
        ("INBOX", "S"),
        ("inbox", "S"),
        ("foo/bar", "H/foo/bar"),
        ("foo/../bar", "H/foo/../bar"),
        ("/a/b", "/a/b"),
        ("~/inbox", "H/inbox"),
        ("~//etc/passwd", "H//etc/passwd"),
        ("~/", "H/"),
        ("~fred/x", "/homes/fred/x"),
        ("~fred//etc", "/homes/fred//etc"),
        ("~fred/Inbox", "/homes/fred/INBOX"),
        ("~fred", "/homes/fred"),
        ("~nobody-here/x", "no user"),
        ("#ftp/x", "/homes/ftp/x"),
        ("#ftp/inbox", "/homes/ftp/inbox"),
        ("#public/inbox", "/homes/imappublic/INBOX"),
        ("#shared/a/b", "/homes/imapshared/a/b"),
        ("#mh/x", "refused"),
        ("#mhinbox", "refused"),
        ("#news.comp.mail.", "refused"),
        ("#news.comp,mail", "refused"),
        ("#move+a+b", "not yet"),
        ("#pop{h}x", "not yet"),
        ("#driver.unix/foo", "H/foo"),
        ("#driver.unix/INBOX", "S"),
        ("{h}x", "h x"),
    ] {
        assert_eq!(leads(&home, &environment, text), expected, "{text}");
    }
    home.write(".mh_profile", b"Path: post/mh\n");
    for (text, expected) in [
        ("#mh/x", "H/post/mh/x"),
        ("#MH/a/b", "H/post/mh/a/b"),
        ("#mh/Inbox", "H/post/mh/Inbox"),
        ("#MHInbox", "H/post/mh/inbox"),
    ] {
        assert_eq!(leads(&home, &environment, text), expected, "{text}");
    }
}

#[test]
fn restricted_mode() {
    let home = Home::new();
    let environment = home.environment_with(Overrides {
        naming: Naming {
            restrictions: Restrictions::ALL,
            ..Naming::default()
        },
        ..home.overrides()
    });
    for (text, expected) in [
        ("foo", "H/foo"),
        ("~/foo", "H/foo"),
        ("/a", "forbidden"),
        ("~fred/x", "forbidden"),
        ("a..b", "forbidden"),
        ("a//b", "forbidden"),
        ("a/~b", "forbidden"),
        ("#shared/x", "/homes/imapshared/x"),
    ] {
        assert_eq!(leads(&home, &environment, text), expected, "{text}");
    }
    let spool = home.spool();
    assert_eq!(
        leads(&home, &environment, spool.to_str().expect("text")),
        "S"
    );
}

fn black_box(restrictions: Restrictions) -> Naming {
    Naming {
        mode: Mode::BlackBox {
            folder: PathBuf::from("/box"),
            default_home: None,
        },
        restrictions,
        ..Naming::default()
    }
}

#[test]
fn a_black_box() {
    let home = Home::new();
    let overrides = Overrides {
        naming: black_box(Restrictions::default()),
        ..home.overrides()
    };
    let environment = home.environment_with(overrides.clone());
    let me = environment.user.name.clone();
    for (text, expected) in [
        ("INBOX", format!("/box/{me}/INBOX")),
        ("x/y", format!("/box/{me}/x/y")),
        ("~/x", format!("/box/{me}/x")),
        ("/anna/b/c", "/box/anna/b/c".into()),
        ("/anna/inBOX", "/box/anna/INBOX".into()),
        ("/anna", "/box/anna".into()),
        ("~anna/x", "/box/anna/x".into()),
        ("~anna/inbox", "/box/anna/INBOX".into()),
        ("/", "no user".into()),
        ("/./x", "no user".into()),
        ("/../x", "forbidden".into()),
        ("x/../y", "forbidden".into()),
        ("#public/x", "/homes/imappublic/x".into()),
    ] {
        assert_eq!(leads(&home, &environment, text), expected, "{text}");
    }
    let environment = home.environment_with(Overrides {
        naming: black_box(Restrictions::ALL),
        ..overrides
    });
    assert_eq!(leads(&home, &environment, "/anna/b"), "forbidden");
    assert_eq!(
        leads(&home, &environment, &format!("/{me}/b")),
        format!("/box/{me}/b")
    );
}

#[test]
fn anonymous_users() {
    let home = Home::new();
    let environment = home.environment_with(Overrides {
        naming: Naming {
            mode: Mode::Anonymous { home: None },
            ..Naming::default()
        },
        ..home.overrides()
    });
    for (text, expected) in [
        ("INBOX", "H/INBOX"),
        ("x", "H/x"),
        ("~/x", "forbidden"),
        ("~fred/x", "forbidden"),
        ("/x", "forbidden"),
        ("x/..", "forbidden"),
        ("#shared/x", "forbidden"),
        ("#ftp/x", "/homes/ftp/x"),
        ("#public/x", "/homes/imappublic/x"),
    ] {
        assert_eq!(leads(&home, &environment, text), expected, "{text}");
    }
}

#[test]
fn what_is_made_gets_the_bits_of_its_namespace() {
    let home = Home::new();
    let environment = home.environment();
    for (text, expected) in [
        ("x", Protection::PRIVATE),
        ("#ftp/x", Protection::FTP),
        ("#public/x", Protection::PUBLIC),
        ("#shared/x", Protection::SHARED),
    ] {
        let target = resolve_with(&environment, &name(text), &homes).expect(text);
        let Target::Local(place) = target else {
            panic!("{text} is local");
        };
        assert_eq!(place.protection, expected, "{text}");
    }
}

#[test]
fn the_machine_knows_its_users() {
    let home = Home::new();
    let environment = home.environment();
    let own = format!("~{}/x", environment.user.name);
    let Ok(Target::Local(place)) = resolve(&environment, &name(&own)) else {
        panic!("the user has a home");
    };
    assert_eq!(place.path, home.path("x"));
    let stranger = resolve(&environment, &name("~no-such-user-here/x"));
    assert!(matches!(stranger, Err(Error::NoSuchUser(_))));
}

/// A black box of which the user may see only his own folder.
static LOCKED: LazyLock<(Home, std::sync::Arc<Environment>)> = LazyLock::new(|| {
    let home = Home::new();
    let overrides = Overrides {
        naming: black_box(Restrictions::ALL),
        ..home.overrides()
    };
    let environment = home.environment_with(overrides);
    (home, environment)
});

proptest! {
    #[test]
    fn no_name_leads_out_of_a_locked_black_box(text in "(/|~|~/|#driver.unix/)?([./~]|root|x|inbox){1,8}") {
        let environment = &LOCKED.1;
        let Ok(name) = MailboxName::parse(text.as_bytes()) else {
            return Ok(());
        };
        if let Ok(Target::Local(place)) = resolve_with(environment, &name, &homes) {
            let own = PathBuf::from("/box").join(&environment.user.name);
            prop_assert!(place.path.starts_with(&own), "{text}: {:?}", place.path);
            let upward = place.path.components().any(|part| part == Component::ParentDir);
            prop_assert!(!upward, "{text}: {:?}", place.path);
        }
    }
}

#[test]
fn a_closed_box() {
    let home = Home::new();
    let environment = home.environment_with(Overrides {
        naming: Naming {
            mode: Mode::ClosedBox,
            ..Naming::default()
        },
        ..home.overrides()
    });
    for (text, expected) in [
        ("INBOX", "H/INBOX"),
        ("x", "H/x"),
        ("~/x", "H/x"),
        ("x/../y", "H/x/../y"),
        ("/a/b", "/a/b"),
        ("~fred/x", "forbidden"),
        ("#ftp/x", "forbidden"),
        ("#public/x", "forbidden"),
        ("#shared/x", "forbidden"),
    ] {
        assert_eq!(leads(&home, &environment, text), expected, "{text}");
    }
}

#[test]
fn settings_place_the_shared_namespaces_and_the_mail() {
    let home = Home::new();
    let mut naming = Naming {
        subdirectory: Some("Mail".into()),
        ..Naming::default()
    };
    naming.shared.ftp = Some("/srv/ftp".into());
    naming.shared.automatic = false;
    naming.bits.private.file = Some(0o640);
    let mut overrides = Overrides {
        naming,
        ..home.overrides()
    };
    let environment = home.environment_with(overrides.clone());
    for (text, expected) in [
        ("INBOX", "S"),
        ("x", "H/Mail/x"),
        ("~/inbox", "H/Mail/inbox"),
        ("~fred/Inbox", "/homes/fred/Mail/INBOX"),
        ("/a", "/a"),
        ("#ftp/x", "/srv/ftp/x"),
        ("#public/x", "forbidden"),
    ] {
        assert_eq!(leads(&home, &environment, text), expected, "{text}");
    }
    let Ok(Target::Local(place)) = resolve_with(&environment, &name("x"), &homes) else {
        panic!("it is local");
    };
    assert_eq!(
        (place.protection.file, place.protection.directory),
        (0o640, 0o700)
    );
    overrides.naming.mode = Mode::Anonymous {
        home: Some("/anon".into()),
    };
    let environment = home.environment_with(overrides);
    assert_eq!(leads(&home, &environment, "x"), "/anon/x");
    assert_eq!(leads(&home, &environment, "INBOX"), "/anon/INBOX");
}

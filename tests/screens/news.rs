//! Keys in a newsgroup.

use std::fs;

use crate::bench::{bench, mail};

#[test]
fn what_is_read_is_hidden_and_comes_back() {
    let mut bench = bench(80, 24, &mail());
    let news = bench.world.dir.path().join("news");
    fs::create_dir_all(news.join("spool/a/one")).expect("a spool");
    for number in 1..=3 {
        let text = format!("Subject: n{number}\nMessage-ID: <{number}@x>\n\ntext\n");
        let path = news.join("spool/a/one").join(number.to_string());
        fs::write(path, text).expect("an article");
    }
    fs::write(news.join("active"), "a.one 3 1 y\n").expect("a list");
    bench.keys("g").types("#news.a.one");
    bench.keys("enter 1 enter d x");
    let screen = bench.screen();
    assert!(
        screen.contains("Hide 1 message from #news.a.one?"),
        "{screen}"
    );
    bench.keys("y");
    let len = |bench: &crate::bench::Bench| bench.state.mailbox.as_ref().map(|it| it.len());
    assert_eq!(len(&bench), Some(2));
    let newsrc = bench.world.environment.home.join(".newsrc");
    assert_eq!(fs::read_to_string(newsrc).expect("there"), "a.one: 1\n");
    bench.keys("&");
    assert_eq!(len(&bench), Some(3));
    // What was stored with a lower number meanwhile comes with it, so that it is done in any case.
    bench.keys("&");
    assert_eq!(len(&bench), Some(3));
    // Who leaves is not asked about what was read.
    bench.keys("q");
    assert!(!bench.screen().contains("Expunge"), "{}", bench.screen());
}

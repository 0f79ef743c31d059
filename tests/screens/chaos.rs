//! Random keys and sizes never bring the face down.

use mugo::tui::key::Key;
use mugo::tui::msg::{Mouse, Msg};
use proptest::prelude::*;

use crate::bench::{bench, mail};

/// Keys that do something; no slash, so that files stay in the scratch home.
const KEYS: &str = "? o q m l i g c w ctrl-l \\ < > v enter p n - space home end # d u r f s e t | * h j tab : ; z a x \
    $ ctrl-f ctrl-b ctrl-t ctrl-c ctrl-k ctrl-r ctrl-y ctrl-v y n 1 2 9 esc up down left right backspace pageup pagedown";

#[derive(Clone, Debug)]
enum Step {
    Key(usize),
    Size(u16, u16),
    Click(u16, u16),
    Wheel(u16, u16, bool),
    Later(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => any::<usize>().prop_map(Step::Key),
        3 => (1u16..=200, 1u16..=60).prop_map(|(width, height)| Step::Size(width, height)),
        1 => (1u16..=6, 1u16..=6).prop_map(|(width, height)| Step::Size(width, height)),
        1 => (0u16..200, 0u16..60).prop_map(|(column, row)| Step::Click(column, row)),
        1 => (0u16..200, 0u16..60, any::<bool>()).prop_map(|(column, row, up)| Step::Wheel(column, row, up)),
        1 => (0i64..100_000_000).prop_map(Step::Later),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_keys_and_sizes_never_panic(steps in prop::collection::vec(step(), 1..80)) {
        let keys: Vec<Key> = KEYS.split_whitespace().filter_map(Key::parse).collect();
        let mut bench = bench(80, 24, &mail());
        for step in steps {
            match step {
                Step::Key(place) => bench.send(Msg::Key(keys[place % keys.len()])),
                Step::Size(width, height) => bench.send(Msg::Resize(width, height)),
                Step::Click(column, row) => bench.send(Msg::Mouse(Mouse::Click(column, row))),
                Step::Wheel(column, row, true) => bench.send(Msg::Mouse(Mouse::WheelUp(column, row))),
                Step::Wheel(column, row, false) => bench.send(Msg::Mouse(Mouse::WheelDown(column, row))),
                Step::Later(by) => bench.send(Msg::Tick(crate::bench::NOW + by)),
            }
            bench.settle();
            bench.screen();
            if bench.state.over {
                break;
            }
        }
    }
}

#[test]
fn every_screen_survives_every_small_size() {
    for keys in [
        "",
        "l",
        "i",
        "i enter",
        "i 3 enter enter >",
        "i * ctrl-t",
        "i ?",
        "i s",
        "i $",
    ] {
        let mut bench = bench(80, 24, &mail());
        bench.keys(keys);
        for width in [1, 2, 3, 5, 8, 13, 20, 30] {
            for height in 1..12 {
                bench.send(Msg::Resize(width, height));
                bench.settle();
                bench.screen();
            }
        }
    }
}

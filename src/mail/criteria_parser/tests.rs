use super::*;
use crate::mail::criteria::Needs;
use proptest::prelude::*;

fn parse(text: &str) -> Criteria {
    Criteria::parse(text).expect(text)
}

#[test]
fn every_word_is_read() {
    for (name, shape) in WORDS {
        let arguments = match shape {
            Shape::Not => "ALL",
            Shape::Or => "SEEN DRAFT",
            Shape::Keyword | Shape::NoKeyword | Shape::Field | Shape::Body | Shape::Text => "word",
            Shape::Arrived(_) | Shape::Sent(_) => "1-feb-2026",
            Shape::Header => "X-Loop \"a b\"",
            Shape::Larger | Shape::Smaller => "10",
            Shape::Uid => "1:*,7",
            _ => "",
        };
        for text in [
            format!("{name} {arguments}"),
            format!("({} {arguments})", name.to_lowercase()),
        ] {
            assert!(Criteria::parse(&text).is_ok(), "{text}");
        }
        let cut = !arguments.is_empty();
        assert_eq!(Criteria::parse(name).is_err(), cut, "{name}");
    }
}

#[test]
fn criteria_side_by_side_are_ordered_by_cost() {
    let criteria = parse("BODY x SUBJECT \"a \\\"b\\\"\" UNSEEN 1:3 OR TEXT y SEEN");
    let Criteria::And(all) = &criteria else {
        panic!("five criteria");
    };
    let needs: Vec<Needs> = all.iter().map(Criteria::needs).collect();
    assert!(needs.is_sorted() && all.len() == 5, "{needs:?}");
    assert!(all.contains(&Criteria::Field("subject".into(), Needle::new("a \"b\""))));
    assert_eq!(parse("NEW"), parse("RECENT UNSEEN"));
    assert_eq!(parse("OLD"), parse("NOT RECENT"));
    assert_eq!(parse("((ALL))"), Criteria::All);
}

#[test]
fn mistakes_name_the_word_and_its_place() {
    for (text, expected) in [
        (
            "UNSEEN FORM x",
            "\"FORM\" at character 8: there is no such criterion; FROM is near",
        ),
        (
            "é wxyzwxyz",
            "\"é\" at character 1: there is no such criterion",
        ),
        ("FROM", "at the end: a text to look for must follow"),
        ("", "at the end: a criterion must follow"),
        (
            "SINCE 31-Feb-2026",
            "\"31-Feb-2026\" at character 7: a date, as in 1-Feb-2026 must stand here",
        ),
        (
            "LARGER -5",
            "\"-5\" at character 8: a number of octets must stand here",
        ),
        (
            "(SEEN",
            "\"(\" at character 1: the parenthesis has no partner",
        ),
        (
            "SEEN)",
            "\")\" at character 5: the parenthesis has no partner",
        ),
        ("()", "\")\" at character 2: a criterion must stand here"),
        (
            "FROM \"x",
            "\"\\\"\" at character 6: the quotes are not closed",
        ),
        (
            "KEYWORD a*b",
            "\"a*b\" at character 9: a keyword must stand here",
        ),
        (
            "UID x",
            "\"x\" at character 5: a set of UIDs, as in 1:5,9,* must stand here",
        ),
        (
            "1:",
            "\"1:\" at character 1: a set of numbers, as in 1:5,9,* must stand here",
        ),
        (
            "\"SEEN\"",
            "\"SEEN\" at character 1: a criterion must stand here",
        ),
    ] {
        let error = Criteria::parse(text).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |word: &str, levels: usize| format!("{} SEEN", word.repeat(levels));
    assert!(Criteria::parse(&nested("NOT ", 100)).is_ok());
    for word in ["NOT ", "OR ", "("] {
        let error = Criteria::parse(&nested(word, 100_000)).expect_err(word);
        assert_eq!(error.mistake, Mistake::TooDeep);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(FROM|OR|NOT|[(]|[)]|\"|\\\\|1:|SINCE|1-Jan-2020| |.){0,30}") {
        let _ = Criteria::parse(&text);
    }
}

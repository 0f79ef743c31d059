use super::*;
use crate::mail::flags::Flags;

/// A message in memory that counts how often it is read.
struct Message {
    summary: Summary,
    header: Vec<(&'static str, &'static str)>,
    body: &'static str,
    reads: Needs,
}

impl Candidate for Message {
    type Error = ();

    fn number(&self) -> MsgNo {
        MsgNo::new(4).expect("not 0")
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }

    fn last(&self) -> (MsgNo, Uid) {
        (MsgNo::new(9).expect("not 0"), Uid::new(42).expect("not 0"))
    }

    fn sent(&mut self) -> Result<Option<InternalDate>, ()> {
        self.reads = self.reads.max(Needs::Header);
        // 1 March 2026 01:30 in Berlin, still February in London.
        Ok(Some(InternalDate {
            seconds: 1_772_325_000,
            offset: 60,
        }))
    }

    fn texts(&mut self, source: Source<'_>, visit: &mut dyn FnMut(&str)) -> Result<(), ()> {
        let reads = if source == Source::Body {
            Needs::Whole
        } else {
            Needs::Header
        };
        self.reads = self.reads.max(reads);
        match source {
            Source::Body => visit(self.body),
            Source::Header => self.header.iter().for_each(|field| visit(field.1)),
            Source::Field(name) => {
                let named = self
                    .header
                    .iter()
                    .filter(|field| field.0.eq_ignore_ascii_case(name));
                named.for_each(|field| visit(field.1));
            }
        }
        Ok(())
    }
}

fn message() -> Message {
    let work = Keyword::new("work").expect("valid");
    Message {
        summary: Summary {
            uid: Uid::new(42).expect("not 0"),
            flags: Flags::new(SystemFlags::SEEN | SystemFlags::RECENT, vec![work]),
            // 1 March 2026 00:30 UTC.
            internal_date: InternalDate {
                seconds: 1_772_325_000,
                offset: 0,
            },
            rfc822_size: 1000,
        },
        header: vec![
            ("From", "John Smith <js@x>"),
            ("Subject", "Grüße"),
            ("X-Empty", ""),
        ],
        body: "See you at the Café",
        reads: Needs::Summary,
    }
}

#[test]
fn each_criterion_decides() {
    for (text, expected) in [
        ("ALL", true),
        ("SEEN", true),
        ("UNSEEN", false),
        ("OLD", false),
        ("NEW", false),
        ("KEYWORD WORK", true),
        ("UNKEYWORD play", true),
        ("ON 1-Mar-2026", true),
        ("BEFORE 1-Mar-2026", false),
        ("SINCE 1-Mar-2026", true),
        ("SENTON 1-Mar-2026", true),
        ("SENTBEFORE 2-Mar-2026", true),
        ("SENTSINCE 2-Mar-2026", false),
        ("FROM SMITH", true),
        ("TO smith", false),
        ("SUBJECT GRÜSSE", true),
        ("HEADER x-empty \"\"", true),
        ("HEADER x-gone \"\"", false),
        ("BODY CAFÉ", true),
        ("BODY \"\"", true),
        ("TEXT grüsse", true),
        ("TEXT café", true),
        ("TEXT nowhere", false),
        ("LARGER 999", true),
        ("LARGER 1000", false),
        ("SMALLER 1001", true),
        ("4", true),
        ("1:3,5", false),
        ("*", false),
        ("3:*", true),
        ("UID *", true),
        ("UID 4", false),
        ("OR UNSEEN (LARGER 10 SMALLER 2000)", true),
        ("NOT OR SEEN DRAFT", false),
    ] {
        let criteria = Criteria::parse(text).expect(text);
        assert_eq!(criteria.evaluate(&mut message()), Ok(expected), "{text}");
    }
}

#[test]
fn no_more_is_read_than_must_be() {
    for (text, expected) in [
        ("BODY x UNSEEN", Needs::Summary),
        ("OR TEXT x SEEN", Needs::Summary),
        ("BODY x FROM nobody", Needs::Header),
        ("TEXT smith", Needs::Header),
        ("BODY \"\"", Needs::Summary),
        ("TEXT café", Needs::Whole),
    ] {
        let mut message = message();
        let criteria = Criteria::parse(text).expect(text);
        criteria.evaluate(&mut message).expect("readable");
        assert_eq!(message.reads, expected, "{text}");
        assert!(criteria.needs() >= expected, "{text}");
    }
}

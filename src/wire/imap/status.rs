//! Status responses (RFC 3501, 7.1): how a command ended, what the server wants to say, and the codes in brackets.

use crate::mail::text::Foreign;
use crate::wire::imap::capability::Capabilities;
use crate::wire::imap::cursor::Cursor;

/// The word that a status response begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Done, or information.
    Ok,
    /// Failed, or a warning.
    No,
    /// Not understood.
    Bad,
    /// The connection ends.
    Bye,
    /// The greeting of a connection that is logged in already.
    Preauth,
}

/// A status response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// How it is meant.
    pub kind: Kind,
    /// The code in brackets, where one is known here.
    pub code: Option<Code>,
    /// Words for people; may be empty.
    pub text: Foreign,
}

/// A response code that means something to this program; others are left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Code {
    /// The words must be shown to the user.
    Alert,
    /// What the server can do.
    Capability(Capabilities),
    /// The UIDVALIDITY of the mailbox; 0 from servers that know none.
    UidValidity(u32),
    /// The UID that the next message will get.
    UidNext(u32),
    /// The flags that can be changed for good.
    PermanentFlags(Vec<String>),
    /// UIDs hold for this session only (RFC 4315).
    UidNotSticky,
    /// The mailbox is open read-only now.
    ReadOnly,
    /// The mailbox is open read-write now.
    ReadWrite,
    /// It would succeed after the mailbox was created.
    TryCreate,
    /// Where a message went: UIDVALIDITY and UIDs, as written (RFC 4315).
    AppendUid(u32, String),
    /// Where messages went: UIDVALIDITY, their UIDs here and there, as written (RFC 4315).
    CopyUid(u32, String, String),
    /// The highest mod-sequence of the mailbox; 0 where it has none (RFC 7162).
    HighestModSeq(u64),
    /// The charset of a search is not known.
    BadCharset,
    /// User name or password are wrong (RFC 5530).
    AuthenticationFailed,
    /// The server cannot serve now: `UNAVAILABLE`, `INUSE`, `LIMIT` (RFC 5530).
    TryLater,
    /// There is no room: `OVERQUOTA`.
    OverQuota,
    /// It is not allowed: `NOPERM`, `AUTHORIZATIONFAILED`, `PRIVACYREQUIRED`, `CONTACTADMIN`, `EXPIRED`.
    Forbidden,
    /// There is no such mailbox (RFC 5530).
    NonExistent,
    /// There is one already (RFC 5530).
    AlreadyExists,
    /// Flags of these messages were left as they are, because somebody changed them meanwhile (RFC 7162).
    Modified(String),
    /// What was said of the mailbox that was open before ends here (RFC 7162).
    Closed,
}

impl Kind {
    /// The kind with this word.
    pub fn named(word: &[u8]) -> Option<Self> {
        let kinds: [(&[u8], Self); 5] = [
            (b"OK", Self::Ok),
            (b"NO", Self::No),
            (b"BAD", Self::Bad),
            (b"BYE", Self::Bye),
            (b"PREAUTH", Self::Preauth),
        ];
        let found = kinds.iter().find(|kind| kind.0.eq_ignore_ascii_case(word));
        found.map(|kind| kind.1)
    }
}

impl Status {
    /// Reads what follows the word.
    pub fn parse(kind: Kind, mut cursor: Cursor<'_>) -> Self {
        cursor.blanks();
        let mut code = None;
        if cursor.peek() == Some(b'[') {
            let mut inside = cursor;
            inside.take(b'[');
            let (found, is_known) = read_code(&mut inside);
            // Some servers greet with brackets that hold no code.
            if is_known {
                code = found;
                cursor = inside;
                cursor.blanks();
            }
        }
        Self {
            kind,
            code,
            text: Foreign::new(String::from_utf8_lossy(cursor.rest())),
        }
    }
}

/// The code inside brackets, and whether these held one at all. The brackets' end is taken.
fn read_code(cursor: &mut Cursor<'_>) -> (Option<Code>, bool) {
    let word = cursor.code_word().to_ascii_uppercase();
    let looks_like_one = !word.is_empty()
        && word
            .iter()
            .all(|it| it.is_ascii_alphanumeric() || b"-.=".contains(it));
    cursor.blanks();
    let code = match word.as_slice() {
        b"ALERT" => Some(Code::Alert),
        b"CAPABILITY" => {
            let words = cursor.run(|byte| byte != b']');
            Some(Code::Capability(Capabilities::parse(words)))
        }
        b"UIDVALIDITY" => number(cursor).map(Code::UidValidity),
        b"UIDNEXT" => number(cursor).map(Code::UidNext),
        b"PERMANENTFLAGS" => Some(Code::PermanentFlags(flag_names(cursor))),
        b"UIDNOTSTICKY" => Some(Code::UidNotSticky),
        b"READ-ONLY" => Some(Code::ReadOnly),
        b"READ-WRITE" => Some(Code::ReadWrite),
        b"TRYCREATE" => Some(Code::TryCreate),
        b"APPENDUID" => number(cursor).map(|validity| Code::AppendUid(validity, set(cursor))),
        b"COPYUID" => {
            number(cursor).map(|validity| Code::CopyUid(validity, set(cursor), set(cursor)))
        }
        b"HIGHESTMODSEQ" => cursor.number().map(Code::HighestModSeq),
        b"NOMODSEQ" => Some(Code::HighestModSeq(0)),
        b"BADCHARSET" => Some(Code::BadCharset),
        b"AUTHENTICATIONFAILED" => Some(Code::AuthenticationFailed),
        b"UNAVAILABLE" | b"INUSE" | b"LIMIT" => Some(Code::TryLater),
        b"OVERQUOTA" => Some(Code::OverQuota),
        b"NOPERM" | b"AUTHORIZATIONFAILED" | b"PRIVACYREQUIRED" | b"CONTACTADMIN" | b"EXPIRED" => {
            Some(Code::Forbidden)
        }
        b"NONEXISTENT" => Some(Code::NonExistent),
        b"ALREADYEXISTS" => Some(Code::AlreadyExists),
        b"MODIFIED" => Some(Code::Modified(set(cursor))),
        b"CLOSED" => Some(Code::Closed),
        _ => None,
    };
    // What else the code holds may be strings with brackets in them.
    loop {
        let _rest = cursor.run(|byte| byte != b']' && byte != b'"');
        match cursor.peek() {
            Some(b'"') if cursor.text().is_some() => {}
            Some(b']') => {
                cursor.take(b']');
                return (code, looks_like_one);
            }
            _ => return (None, false),
        }
    }
}

/// The names of flags in a list; takes brackets and words that servers leave unquoted.
pub fn flag_names(cursor: &mut Cursor<'_>) -> Vec<String> {
    let mut flags = Vec::new();
    cursor.blanks();
    if !cursor.enter() {
        // NIL, or a flag without its list.
        let word = cursor.word();
        if !word.is_empty() && !word.eq_ignore_ascii_case(b"NIL") {
            flags.push(String::from_utf8_lossy(word).into_owned());
        }
        return flags;
    }
    while !cursor.leaves() {
        let flag = match cursor.peek() {
            Some(b'"' | b'{') => cursor.name().map(|name| name.into_owned()),
            _ => Some(cursor.word().to_vec()),
        };
        match flag {
            Some(flag) if !flag.is_empty() => {
                flags.push(String::from_utf8_lossy(&flag).into_owned());
            }
            _ if cursor.skip() => {}
            _ => break,
        }
        if flags.len() > MOST_FLAGS {
            break;
        }
    }
    flags
}

/// No message has more flags than that.
const MOST_FLAGS: usize = 1000;

fn number(cursor: &mut Cursor<'_>) -> Option<u32> {
    u32::try_from(cursor.number()?).ok()
}

fn set(cursor: &mut Cursor<'_>) -> String {
    cursor.blanks();
    String::from_utf8_lossy(cursor.code_word()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::imap::cursor::Raw;

    fn parse(text: &'static str) -> (Option<Code>, String) {
        let status = Status::parse(Kind::Ok, Raw::whole(text.as_bytes()).cursor());
        (status.code, status.text.raw().to_owned())
    }

    #[test]
    fn codes_are_read_and_unknown_ones_left_out() {
        let flags = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned());
            Some(Code::PermanentFlags(names.collect()))
        };
        for (text, code, words) in [
            (" [UIDVALIDITY 7] ok", Some(Code::UidValidity(7)), "ok"),
            (" [HIGHESTMODSEQ 9]", Some(Code::HighestModSeq(9)), ""),
            (
                " [PERMANENTFLAGS (\\Seen \\* a[b] \"c d\")] x",
                flags(&["\\Seen", "\\*", "a[b]", "c d"]),
                "x",
            ),
            (" [PERMANENTFLAGS ()] x", flags(&[]), "x"),
            (
                "[COPYUID 3 1:2,9 4:6] done",
                Some(Code::CopyUid(3, "1:2,9".to_owned(), "4:6".to_owned())),
                "done",
            ),
            (" [BADURL \"a]b\"] x", None, "x"),
            (" [MAILBOXID (x]y)] z", None, "y)] z"),
            (" [Coremail 1.2] ready", None, "ready"),
            (" [*] hello", None, "[*] hello"),
            (" [ALERT", None, "[ALERT"),
            (" [UIDVALIDITY] x", None, "x"),
            (" [UIDVALIDITY 99999999999] x", None, "x"),
            ("", None, ""),
        ] {
            assert_eq!(parse(text), (code, words.to_owned()), "{text}");
        }
    }
}

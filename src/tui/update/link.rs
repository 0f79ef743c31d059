//! Links of a message: choosing one, and opening it with the user's browser after a question (safety S7, S15).

use crate::mail::text::{Foreign, Printable};
use crate::tui::effect::{Effect, Program};
use crate::tui::state::prompt::{Answer, Prompt, Purpose};
use crate::tui::state::state::State;

const HELP: &str =
    "Yes opens the link with your browser. What the question shows is where it really leads.";
const LONGEST: usize = 8192;

/// Selects the next link, or the previous one, and shows its row.
pub fn step(state: &mut State, forward: bool, height: usize) {
    let Some(shown) = &mut state.message else {
        return;
    };
    let count = shown.link_count();
    if count == 0 {
        state.say_own("There is no link in this message");
        return;
    }
    let wanted = match (shown.link, forward) {
        (None, _) => Some(0),
        (Some(link), true) => Some(link + 1).filter(|link| *link < count),
        (Some(link), false) => link.checked_sub(1),
    };
    let Some(link) = wanted else {
        state.say_own(if forward {
            "No more links in this message"
        } else {
            "Already on the first link"
        });
        return;
    };
    shown.link = Some(link);
    if let Some(row) = shown.row_of_link(link)
        && !(shown.top..shown.top + height.max(1)).contains(&row)
    {
        shown.top = row.saturating_sub(height / 2);
    }
}

/// Asks whether to open the selected link.
pub fn ask(state: &mut State) {
    let target = state.message.as_ref().and_then(|shown| shown.target());
    let Some(target) = target.cloned() else {
        state.say_own("There is no link in this message");
        return;
    };
    let Some(url) = safe_url(target.raw()) else {
        let text = "Only links to http, https and mailto are opened";
        state.complain_own(text);
        return;
    };
    if url.starts_with("mailto:") {
        state.say_own("Writing messages comes in a later version");
        return;
    }
    if state.options.browser.is_empty() {
        state.complain_own("No browser is configured; set view.browser in config.toml");
        return;
    }
    let question = Printable::concat(&[
        Printable::own("View selected URL \""),
        Foreign::new(url.clone()).field(),
        Printable::own("\" ?"),
    ]);
    let purpose = Purpose::FollowLink(url);
    state.prompt = Some(Prompt::yes_no(question, purpose, Answer::Yes, HELP));
}

/// Runs the browser with the link as its last argument.
pub fn follow(state: &mut State, url: String) {
    let ticket = crate::backend::request::Ticket(state.mint());
    let mut argv = state.options.browser.clone();
    argv.push(url);
    let program = Program {
        argv,
        input: Vec::new(),
        detached: true,
    };
    let command = state.options.browser.join(" ");
    let job = crate::tui::state::job::Job::Run {
        command,
        shown: false,
    };
    state.jobs.insert(ticket, job);
    state.outbox.push(Effect::Run(ticket, program));
}

/// The link with everything percent-encoded that a URL does not hold; `None` unless it is http, https or mailto.
pub fn safe_url(target: &str) -> Option<String> {
    let target = target.trim();
    let (scheme, rest) = target.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let web = matches!(scheme.as_str(), "http" | "https") && rest.starts_with("//");
    if !web && scheme != "mailto" || target.len() > LONGEST {
        return None;
    }
    let mut url = format!("{scheme}:");
    for byte in rest.bytes() {
        let plain = byte.is_ascii_graphic() && !b"\"'<>\\^`{|}$();*".contains(&byte);
        if plain {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_encoded_and_other_schemes_refused() {
        assert_eq!(
            safe_url("HTTPS://a/$(x) 'y'\u{1b}").as_deref(),
            Some("https://a/%24%28x%29%20%27y%27%1B")
        );
        for bad in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "-x",
            "http:x",
            "data:,",
        ] {
            assert_eq!(safe_url(bad), None, "{bad}");
        }
        assert_eq!(safe_url(&format!("http://{}", "x".repeat(9000))), None);
    }
}

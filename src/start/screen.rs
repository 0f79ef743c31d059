//! From arguments and settings to the screen, and what it leaves to tell when it ends.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use jiff::tz::TimeZone;
use tokio::runtime::Runtime;

use crate::backend::backend::Backend;
use crate::backend::namespaces::present;
use crate::cli::args::Args;
use crate::cli::failure::USAGE;
use crate::config::paths;
use crate::config::settings::Settings;
use crate::mail::name::MailboxName;
use crate::mail::reason::in_words;
use crate::mail::text::Foreign;
use crate::os::environment::Environment;
use crate::os::formats::FormatChoice;
use crate::start::naming::expanded;
use crate::start::stop::Stop;
use crate::start::terminal::{can_place_text, colours, is_ascii};
use crate::tui::options::{Collection, LayoutChoice, Options};
use crate::tui::toml_file::Source;

/// The most that a theme or keymap may hold, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What the screen needs to know.
pub fn options(
    args: &Args,
    settings: &Settings,
    environment: &Environment,
    me: Vec<String>,
) -> Result<Options, Stop> {
    let variable = |name: &str| std::env::var(name).ok();
    if io::stdout().is_terminal() && !can_place_text(variable) {
        let text = "this terminal (TERM=dumb) cannot show a screen; use another one, or commands such as \"mugo index\"";
        return Err(Stop::new(text, USAGE));
    }
    let home = environment.home.as_path();
    let mailbox = args.start();
    let inbox = settings.folders.inbox.as_deref().map(AsRef::as_ref);
    let start = mailbox.or(inbox).map(mailbox_name).transpose()?;
    Ok(Options {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        theme: source(&settings.ui.theme, home)?,
        keymap: source(&settings.ui.keymap, home)?,
        colours: colours(variable),
        ascii: is_ascii(variable),
        layout: if settings.ui.layout == "classic" {
            LayoutChoice::Classic
        } else {
            LayoutChoice::Auto
        },
        mouse: settings.ui.mouse,
        keymenu: settings.ui.keymenu,
        suspend: settings.ui.suspend,
        start,
        start_in_index: mailbox.is_some() || args.index,
        read_only: args.common.read_only,
        saved: settings.folders.saved.clone(),
        collections: collections(settings, environment),
        new_format: new_format(environment),
        headers: settings.view.headers.clone(),
        me,
        order: settings.index.order(),
        confirm_expunge: settings.expunge.confirm,
        confirm_quit: settings.quit.confirm,
        prefer_html: !settings.view.prefer_plain,
        overlap: settings.view.overlap,
        browser: settings.view.browser.clone(),
        home: environment.home.clone(),
        zone: TimeZone::system(),
        ..Options::default()
    })
}

/// Runs the screen and prints what it leaves to tell.
pub fn run(backend: Backend, options: Options, runtime: &Runtime) -> Result<u8, Stop> {
    let formats = backend.formats().into_iter();
    let made = formats.filter(|format| format.can_be_made);
    let options = Options {
        formats: made.map(|format| format.name).collect(),
        ..options
    };
    let ended = runtime.block_on(crate::tui::run::run(backend, options));
    let report = ended.map_err(|error| {
        let wrong_file = error.kind() == io::ErrorKind::InvalidInput;
        Stop::new(error.to_string(), if wrong_file { USAGE } else { 1 })
    })?;
    let mut stdout = io::stdout();
    for line in &report.lines {
        let _ = writeln!(stdout, "{line}");
    }
    let status = report.signal.map_or(0, |signal| 128 + signal);
    Ok(u8::try_from(status).unwrap_or(1))
}

fn mailbox_name(name: &std::ffi::OsStr) -> Result<MailboxName, Stop> {
    MailboxName::parse(name.as_bytes())
        .map_err(|error| Stop::new(format!("{}: {error}", name.to_string_lossy()), USAGE))
}

/// The collections of the settings, then the accounts on servers, then the namespaces that are there.
fn collections(settings: &Settings, environment: &Environment) -> Vec<Collection> {
    let named = settings.folders.collections.iter();
    let mut all: Vec<Collection> = named.map(|text| collection(text)).collect();
    if all.is_empty() {
        all.push(Collection::default());
    }
    for (name, account) in &settings.accounts {
        let is_known = |other: &Collection| other.prefix.starts_with(&account.server);
        if !account.server.is_empty() && !all.iter().any(is_known) {
            all.push(Collection {
                name: name.clone(),
                prefix: account.server.clone(),
                delimiter: '/',
            });
        }
    }
    for namespace in present(environment) {
        if all.iter().all(|other| other.prefix != namespace.prefix) {
            all.push(Collection {
                name: namespace.title.to_owned(),
                prefix: namespace.prefix.to_owned(),
                delimiter: namespace.delimiter,
            });
        }
    }
    all
}

/// As Pine writes it: an optional name, then a path with `[]` in place of the folder's name.
fn collection(text: &str) -> Collection {
    let (name, path) = match text.trim().rsplit_once(' ') {
        Some((name, path)) => (name.trim().trim_matches('"'), path),
        None => ("", text.trim()),
    };
    let prefix = path.split('[').next().unwrap_or_default();
    let name = match name {
        "" => prefix.trim_end_matches(['/', '.']),
        name => name,
    };
    let is_news = prefix.starts_with("#news.");
    Collection {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
        delimiter: if is_news { '.' } else { '/' },
    }
}

/// A word is the name of a theme or keymap that is built in; a path, or a name with a dot, is a file, below the
/// folder of the settings unless it says otherwise.
fn source(name: &str, home: &Path) -> Result<Source, Stop> {
    if !name.contains(['/', '.']) {
        return Ok(Source::BuiltIn(name.to_owned()));
    }
    let config = paths::config_file();
    let folder = config.as_deref().and_then(Path::parent);
    let path = match folder {
        Some(folder) if !name.starts_with('~') => folder.join(name),
        _ => expanded(Path::new(name), Some(home)),
    };
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text));
    read.map_err(|error| {
        let reason = format!("{}: {}", path.to_string_lossy(), in_words(&error));
        Stop::new(reason, USAGE)
    })?;
    let name = Foreign::new(path.to_string_lossy()).field();
    Ok(Source::File {
        name: name.as_str().to_owned(),
        text,
    })
}

/// The format in front when the screen asks for one; the traditional one where the settings name none.
fn new_format(environment: &Environment) -> String {
    match &environment.formats.new {
        FormatChoice::Named(format) => format.clone(),
        FormatChoice::SameAsInbox | FormatChoice::Refused => FormatChoice::USUAL.to_owned(),
    }
}

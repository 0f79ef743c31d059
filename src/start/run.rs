//! One run of the program, as a page: arguments, settings, environment, backend, face, exit status.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::runtime::{Builder, Runtime};

use crate::backend::backend::{Backend, BackendOptions};
use crate::cli::args::{Args, Command, with_settings_in_front};
use crate::cli::failure::USAGE;
use crate::cli::run::complain;
use crate::cli::setup::{Interrupt, Setup};
use crate::config::settings::Settings;
use crate::mail::reason::in_words;
use crate::mail::text::{Foreign, Printable};
use crate::os::environment::Environment;
use crate::start::demo::Demo;
use crate::start::environment::environment;
use crate::start::identity::addresses;
use crate::start::settings::{Loaded, load};
use crate::start::stop::Stop;
use crate::start::{generate, logging, screen, signals};

/// Runs the program and returns its exit status.
pub fn run() -> u8 {
    let words = with_settings_in_front(std::env::args_os());
    let args = match Args::try_parse_from(words) {
        Ok(args) => args.settled(),
        Err(error) => return usage(&error),
    };
    if let Some(exit_code) = generate::generate(&args) {
        return exit_code;
    }
    let json = args.common.json;
    match serve(args) {
        Ok(exit_code) => exit_code,
        Err(stop) => {
            complain(&stop.sentence, None, stop.exit_code, json);
            stop.exit_code
        }
    }
}

/// Help and version go to standard output and are no error, also when nobody reads them to the end.
fn usage(error: &clap::Error) -> u8 {
    if let ErrorKind::DisplayHelp | ErrorKind::DisplayVersion = error.kind() {
        return match error.print() {
            Err(failed) if failed.kind() != io::ErrorKind::BrokenPipe => 1,
            _ => 0,
        };
    }
    // Whether JSON was wanted has to be guessed where the arguments make no sense.
    let mut words = std::env::args_os().skip(1);
    let json = words.any(|word| word == "--json");
    complain(&one_line(&error.to_string()), None, USAGE, json);
    USAGE
}

/// The parser's explanation as one line; it may quote any word of the command line.
fn one_line(explanation: &str) -> Printable {
    let end = explanation.find("\n\nFor more information");
    let text = end.map_or(explanation, |end| &explanation[..end]);
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let words: Vec<&str> = paragraph.split('\n').map(str::trim).collect();
        words.join(" ")
    });
    let line = paragraphs.collect::<Vec<_>>().join("; ");
    Foreign::new(format!("{line}; see --help")).line()
}

fn serve(args: Args) -> Result<u8, Stop> {
    if args.command.is_none() && !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        let reason = "the screen needs a terminal for input and output; \
            for scripts there are commands: see mugo --help";
        return Err(Stop::new(reason, USAGE));
    }
    if args.command.is_some() && args.start().is_some() {
        let reason = "a mailbox in front of a command means nothing; put it behind the command";
        return Err(Stop::new(reason, USAGE));
    }
    let loaded = load(&args)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Stop::new(format!("cannot start: {}", in_words(&error)), 1))?;
    let demo = args.common.demo.then(Demo::new).transpose()?;
    let environment = Arc::new(environment(&args, &loaded.settings, demo.as_ref())?);
    logging::start(args.common.verbose, &environment);
    let interrupt = signals::watch(&runtime, &environment, args.command.is_some())?;
    let context = Context {
        loaded: &loaded,
        environment: &environment,
        me: addresses(&loaded.settings, &environment, demo.is_some()),
    };
    let exit_code = match &args.command {
        Some(command) => context.script(&args, command, &runtime, interrupt),
        None => context.screen(&args, &runtime)?,
    };
    runtime.shutdown_background();
    drop(demo);
    Ok(exit_code)
}

struct Context<'c> {
    loaded: &'c Loaded,
    environment: &'c Arc<Environment>,
    me: Vec<String>,
}

impl Context<'_> {
    fn script(
        self,
        args: &Args,
        command: &Command,
        runtime: &Runtime,
        interrupt: Arc<Interrupt>,
    ) -> u8 {
        let settings: &Settings = &self.loaded.settings;
        let setup = Setup {
            json: args.common.json,
            read_only: args.common.read_only,
            order: settings.index.order(),
            headers: settings.view.headers.clone(),
            prefer_html: !settings.view.prefer_plain,
            me: self.me,
            findings: self.loaded.findings(),
            interrupt,
        };
        let backend = backend(self.environment, runtime);
        crate::cli::run::run(command, &setup, backend, runtime.handle().clone())
    }

    fn screen(self, args: &Args, runtime: &Runtime) -> Result<u8, Stop> {
        let options = screen::options(args, &self.loaded.settings, self.environment, self.me)?;
        let backend = backend(self.environment, runtime);
        screen::run(backend, options, runtime)
    }
}

fn backend(environment: &Arc<Environment>, runtime: &Runtime) -> Backend {
    let options = BackendOptions {
        drivers: None,
        runtime: Some(runtime.handle().clone()),
    };
    Backend::new(environment.clone(), options)
}

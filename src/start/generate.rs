//! What needs no mailbox: the commented settings, completions, the manual page.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::cli::args::{Args, Command};
use crate::cli::failure::Failure;
use crate::cli::run::report;
use crate::config::load::DEFAULTS;

/// Prints what was asked for and returns the exit status; `None` when the arguments ask for something else.
pub fn generate(args: &Args) -> Option<u8> {
    let mut text = Vec::new();
    let made = match &args.command {
        _ if args.common.print_config => text.write_all(DEFAULTS.as_bytes()),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(*shell, &mut Args::command(), "mugo", &mut text);
            Ok(())
        }
        Some(Command::Man) => manual(&mut text),
        _ => return None,
    };
    Some(match made.and_then(|()| io::stdout().write_all(&text)) {
        Ok(()) => 0,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            let failure = Failure::from(error);
            report(&failure, None, false);
            failure.exit_code()
        }
    })
}

/// One page: the program, then each command.
fn manual(into: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Args::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(into)?;
    page.render_name_section(into)?;
    page.render_synopsis_section(into)?;
    page.render_description_section(into)?;
    page.render_options_section(into)?;
    page.render_extra_section(into)?;
    for verb in command.get_subcommands() {
        let verb = verb.clone();
        let heading = format!(".SH \"MUGO {}\"\n", verb.get_name().to_uppercase());
        let about = verb.get_about().map(ToString::to_string);
        into.write_all(heading.as_bytes())?;
        into.write_all(format!("{}\n", about.unwrap_or_default()).as_bytes())?;
        let page = clap_mangen::Man::new(verb);
        page.render_synopsis_section(into)?;
        page.render_options_section(into)?;
    }
    Ok(())
}

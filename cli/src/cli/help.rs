//! Help texts: each command shows its own options and examples, and points to the shared options.

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, Error};
use shared::domain::text::printable;

pub(super) const EXAMPLES: &str = "\
Examples, with `make dev` running:
  portcullis --endpoint http://127.0.0.1:8000 workspace list

and with a deployed stack:
  export PORTCULLIS_STACK=portcullis
  portcullis doctor
  portcullis workspace create \"My studio\"
  export PORTCULLIS_WORKSPACE=GUID
  portcullis key create --name \"game servers\"
  portcullis experience list

and for moderators, through the API:
  portcullis context set prod api=https://bans.example.com key-file=prod.key moderator=1 experience=7
  portcullis context use prod
  portcullis ban 156 --length 7d --reason \"Be kind\"

An argument overrides a variable, and a variable overrides the context.

Results go to standard output: as a table, or as JSON for scripts (--json). Prompts, notes, progress and \
errors go to standard error.

Exit status: 0 success, 1 failure (or a failed check of `doctor`), 2 wrong arguments.";

/// The maximum width of help texts, in columns.
const MAX_WIDTH: usize = 100;

/// How much of an invalid value an error repeats, in characters.
const MAX_ECHO: usize = 60;

const SHARED: &str = "\
Connection and output: `portcullis --help` describes --context, --stack, --api, --region, --profile, \
--json and the other options that every command takes.";

/// Hides the global options of all commands below `root` and gives each command its own examples.
pub fn arranged(root: Command) -> Command {
    let shared: Vec<Arg> = root
        .get_arguments()
        .filter(|argument| argument.is_global_set())
        .map(|argument| argument.clone().hide(true))
        .collect();
    let root = root.max_term_width(MAX_WIDTH);
    let path = root.get_name().to_owned();
    below(root, &path, None, &shared)
}

/// `examples` are those of `parent`.
fn below(parent: Command, path: &str, examples: Option<&str>, shared: &[Arg]) -> Command {
    let names: Vec<_> = parent
        .get_subcommands()
        .map(|child| child.get_name().to_owned())
        .collect();
    names.into_iter().fold(parent, |parent, name| {
        parent.mut_subcommand(&name, |child| {
            let path = format!("{path} {name}");
            let own = child.get_after_help().map(ToString::to_string);
            let text = own.clone().or_else(|| of_command(examples?, &path));
            let text = text.map_or(SHARED.to_owned(), |text| format!("{text}\n\n{SHARED}"));
            let child = child.args(shared.to_vec()).after_help(text);
            below(child, &path, own.as_deref(), shared)
        })
    })
}

/// Picks the examples of one command from those of its group.
fn of_command(examples: &str, path: &str) -> Option<String> {
    let (mut found, mut is_continued) = (Vec::new(), false);
    for line in examples.lines() {
        let starts = line
            .trim_start()
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        if starts || is_continued {
            found.push(line);
            is_continued = line.ends_with('\\');
        }
    }
    (!found.is_empty()).then(|| format!("Examples:\n{}", found.join("\n")))
}

/// Escapes and shortens the input that an error repeats.
pub fn shortened(mut error: Error) -> Error {
    for kind in [
        ContextKind::InvalidValue,
        ContextKind::InvalidArg,
        ContextKind::InvalidSubcommand,
    ] {
        let Some(ContextValue::String(value)) = error.get(kind) else {
            continue;
        };
        let mut short: String = value.chars().take(MAX_ECHO).collect();
        if short.len() < value.len() {
            short.push('…');
        }
        let short = printable(&short).into_owned();
        error.insert(kind, ContextValue::String(short));
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn help(names: &[&str]) -> String {
        let mut command = arranged(Cli::command());
        command.build();
        for name in names {
            command = command.find_subcommand(name).unwrap().clone();
        }
        command.render_long_help().to_string()
    }

    #[test]
    fn commands_show_their_own_options_and_examples() {
        let all = help(&[]);
        assert!(
            all.contains("--stack <NAME>") && all.contains("--profile <NAME>"),
            "{all}"
        );
        for names in [
            &["ban"][..],
            &["workspace", "list"],
            &["completions"],
            &["man"],
        ] {
            let text = help(names);
            assert!(!text.contains("--stack <NAME>"), "{text}");
            assert!(text.contains("portcullis --help"), "{text}");
        }
        let list = help(&["workspace", "list"]);
        assert!(
            list.contains("portcullis workspace list --counts"),
            "{list}"
        );
        assert!(!list.contains("workspace create"), "{list}");
        let create = help(&["key", "create"]);
        assert!(create.contains("--bans-per-hour 60"), "{create}");
    }

    #[test]
    fn help_fits_the_maximum_width() {
        fn check(command: &mut Command) {
            let text = command.render_long_help().to_string();
            // clap does not wrap the line of the usage.
            for line in text.lines().filter(|line| !line.starts_with("Usage:")) {
                assert!(line.chars().count() <= MAX_WIDTH, "{line}");
            }
            for child in command.get_subcommands_mut() {
                check(child);
            }
        }
        let mut command = arranged(Cli::command()).term_width(MAX_WIDTH);
        command.build();
        check(&mut command);
    }

    #[test]
    fn examples_may_span_lines() {
        let examples =
            "Examples:\n  p key create --name x \\\n    --kind public\n  p key creates\n";
        let found = of_command(examples, "p key create").unwrap();
        assert_eq!(
            found,
            "Examples:\n  p key create --name x \\\n    --kind public"
        );
        assert_eq!(of_command(examples, "p key list"), None);
    }

    #[test]
    fn errors_do_not_repeat_long_values() {
        let long = "x".repeat(2000);
        let arguments = [
            "portcullis",
            "ban",
            "1",
            "-w",
            "00000000-0000-4000-8000-000000000001",
            "-e",
            "7",
            "--moderator",
            "1",
            "--permanent",
            "--reason",
            &long,
        ];
        let error = arranged(Cli::command())
            .try_get_matches_from(arguments)
            .unwrap_err();
        let said = shortened(error).to_string();
        assert!(said.contains("at most 400") && said.len() < 400, "{said}");
    }

    #[test]
    fn errors_do_not_repeat_escape_sequences() {
        for arguments in [
            &["check", "\u{1b}[2J"][..],
            &["check", "--\u{1b}[2J"],
            &["\u{1b}[2J"],
            &["check", "1", "\u{9b}2J"],
        ] {
            let all = ["portcullis"].iter().chain(arguments);
            let error = arranged(Cli::command())
                .try_get_matches_from(all)
                .unwrap_err();
            let said = shortened(error).to_string();
            assert!(!said.contains(['\u{1b}', '\u{9b}']), "{said:?}");
        }
    }
}

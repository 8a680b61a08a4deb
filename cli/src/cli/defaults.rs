//! Defaults from a context, and where a value came from.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Error};
use shared::domain::ids::PlaceId;

use crate::arguments::named_place;
use crate::contexts::{Context, ContextField};

/// Makes the values of a context the defaults of the options that have the same variable, and its names
/// of places values of the options that take one.
pub fn with_context(command: Command, context: &Context) -> Command {
    command
        .mut_args(|argument| with_value(argument, context))
        .mut_subcommands(|child| with_context(child, context))
}

fn with_value(mut argument: Arg, context: &Context) -> Arg {
    if argument.get_value_parser().type_id() == TypeId::of::<PlaceId>() {
        let places = context.experiences.clone();
        argument = argument.value_parser(move |text: &str| {
            let named = places.get(text).copied().ok_or(());
            named.or_else(|()| named_place(text))
        });
    }
    match field_of(&argument).and_then(|field| context.value(field)) {
        Some(value) => argument.required(false).default_value(value.to_owned()),
        None => argument,
    }
}

fn field_of(argument: &Arg) -> Option<ContextField> {
    let variable = argument.get_env()?;
    let mut fields = ContextField::ALL.into_iter();
    fields.find(|field| variable == field.variable())
}

/// Where the values that are no arguments came from, by the id of their option.
#[derive(Clone, Debug, Default)]
pub struct Origins(BTreeMap<String, String>);

impl Origins {
    pub fn of(command: &Command, matches: &ArgMatches, context: Option<&Context>) -> Self {
        let mut origins = BTreeMap::new();
        let mut level = Some((command, matches));
        while let Some((command, matches)) = level {
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                let has_value = matches.try_contains_id(id).is_ok_and(|has| has);
                let source = has_value.then(|| matches.value_source(id)).flatten();
                let origin = match source {
                    Some(ValueSource::EnvVariable) => argument.get_env().map(from_variable),
                    Some(ValueSource::DefaultValue) => {
                        field_of(argument).and(context).map(Context::origin)
                    }
                    _ => None,
                };
                origins.extend(origin.map(|origin| (id.to_owned(), origin)));
            }
            level = matches
                .subcommand()
                .and_then(|(name, matches)| Some((command.find_subcommand(name)?, matches)));
        }
        Self(origins)
    }

    pub fn get(&self, option: &str) -> Option<&str> {
        self.0.get(option).map(String::as_str)
    }
}

fn from_variable(name: &std::ffi::OsStr) -> String {
    format!("from {}", name.to_string_lossy())
}

/// Adds to an error about a value where it came from, unless it is one of the arguments.
pub fn explained(
    mut error: Error,
    command: &Command,
    context: Option<&Context>,
    arguments: &[OsString],
) -> Error {
    let said = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (Some(option), Some(value)) = (
        said(ContextKind::InvalidArg),
        said(ContextKind::InvalidValue),
    ) else {
        return error;
    };
    let is_argument = |word: &OsString| word.to_string_lossy().ends_with(&value);
    if arguments.iter().any(is_argument) {
        return error;
    }
    let Some(argument) = find(command, &option) else {
        return error;
    };
    let variable = argument.get_env().filter(|name| {
        let set = std::env::var_os(name);
        set.is_some_and(|set| set.to_string_lossy() == value)
    });
    let in_context = || field_of(argument).and(context).map(Context::origin);
    if let Some(origin) = variable.map(from_variable).or_else(in_context) {
        let tip = format!("the value is {origin}").into();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

/// The option with a variable that an error shows as `--workspace <WORKSPACE>`, of any command.
fn find<'a>(command: &'a Command, shown: &str) -> Option<&'a Arg> {
    let name = shown.strip_prefix("--")?.split([' ', '[']).next();
    let has_name = |argument: &&Arg| argument.get_long() == name && argument.get_env().is_some();
    let own = command.get_arguments().find(has_name);
    own.or_else(|| {
        let mut children = command.get_subcommands();
        children.find_map(|child| find(child, shown))
    })
}

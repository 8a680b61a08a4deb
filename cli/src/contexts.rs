//! Contexts: named sets of defaults for the options, in a file that people may edit.

mod field;
mod file;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;

use anyhow::Result;
use shared::domain::ids::PlaceId;

pub use field::ContextField;
pub use file::ContextFile;

/// The option that chooses a context.
const OPTION: &str = "--context";

/// The variable that chooses one.
pub const VARIABLE: &str = "PORTCULLIS_CONTEXT";

/// The defaults of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    pub name: String,
    /// As text: the option parses it.
    pub values: BTreeMap<ContextField, String>,
    /// Names for places.
    pub experiences: BTreeMap<String, PlaceId>,
}

impl Context {
    pub fn value(&self, field: ContextField) -> Option<&str> {
        self.values.get(&field).map(String::as_str)
    }

    /// Where its values come from, for an error.
    pub fn origin(&self) -> String {
        format!("from context `{}`", self.name)
    }
}

/// The context that the arguments, the variable or else the file chooses; an empty name chooses none.
pub fn chosen(arguments: &[OsString]) -> Result<Option<Context>> {
    let variable = || std::env::var(VARIABLE).ok();
    let name = argument(arguments).or_else(variable);
    let file = ContextFile::load()?;
    match name.as_deref().or(file.current()) {
        None | Some("") => Ok(None),
        Some(name) => Ok(Some(file.context(name)?)),
    }
}

/// The value of `--context`, which has to be known before the arguments can be parsed.
fn argument(arguments: &[OsString]) -> Option<String> {
    let words = arguments.iter().map(|word| word.to_string_lossy());
    let mut words = words.take_while(|word| word != "--");
    let mut found = None;
    while let Some(word) = words.next() {
        let Some(rest) = word.strip_prefix(OPTION) else {
            continue;
        };
        match rest.strip_prefix('=') {
            Some(name) => found = Some(name.to_owned()),
            None if rest.is_empty() => found = words.next().map(Cow::into_owned),
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_context_before_the_end_of_options_is_chosen() {
        for (line, expected) in [
            ("check 1", None),
            ("--context prod check 1", Some("prod")),
            ("check 1 --context=prod", Some("prod")),
            ("--context a check 1 --context b", Some("b")),
            ("check --contexts a", None),
            ("check -- --context a", None),
            ("check --context", None),
            ("--context= check", Some("")),
        ] {
            let words: Vec<_> = line.split(' ').map(OsString::from).collect();
            assert_eq!(argument(&words).as_deref(), expected, "{line}");
        }
    }
}

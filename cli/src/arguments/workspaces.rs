//! Workspaces on the command line: by GUID or by name.

use std::fmt;

use clap::Args;
use shared::domain::ids::WorkspaceId;

use super::{UsageError, name};

/// A workspace as a person names it. Arguments are parsed once and live as long as the program, so a
/// name is borrowed for that long and the arguments can be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkspaceName {
    Guid(WorkspaceId),
    Named(&'static str),
}

impl fmt::Display for WorkspaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guid(guid) => guid.fmt(f),
            // As a shell takes it.
            Self::Named(name) if name.contains(char::is_whitespace) => write!(f, "{name:?}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

#[derive(Clone, Copy, Debug, Args)]
pub struct WorkspaceArg {
    /// The workspace's GUID or name, from `workspace list`.
    #[arg(long, short, env = "PORTCULLIS_WORKSPACE", value_name = "WORKSPACE")]
    #[arg(value_parser = named_workspace)]
    workspace: Option<WorkspaceName>,
}

impl WorkspaceArg {
    /// The workspace; an error if none is given.
    pub fn named(self) -> Result<WorkspaceName, UsageError> {
        self.workspace.ok_or_else(none_given)
    }
}

impl fmt::Display for WorkspaceArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.workspace {
            Some(name) => name.fmt(f),
            None => f.write_str("WORKSPACE"),
        }
    }
}

/// The workspace that a command operates on.
#[derive(Clone, Copy, Debug, Args)]
pub struct NamedWorkspace {
    /// The workspace's GUID or name, from `workspace list` [default: that of --workspace].
    #[arg(value_name = "WORKSPACE", value_parser = named_workspace)]
    positional: Option<WorkspaceName>,
    #[command(flatten)]
    option: WorkspaceArg,
}

impl NamedWorkspace {
    /// The positional argument, or else the option, variable or context.
    pub fn named(self) -> Result<WorkspaceName, UsageError> {
        self.positional.map_or_else(|| self.option.named(), Ok)
    }
}

fn none_given() -> UsageError {
    UsageError(
        "no workspace given: use --workspace, set PORTCULLIS_WORKSPACE, or use a context that has one \
         (`portcullis context set`)"
            .to_owned(),
    )
}

/// A GUID alone, for what must not go wrong by a name.
pub fn workspace(text: &str) -> Result<WorkspaceId, String> {
    text.parse()
        .map_err(|_| "expected a GUID from `portcullis workspace list`".to_owned())
}

pub fn named_workspace(text: &str) -> Result<WorkspaceName, String> {
    if let Ok(guid) = text.parse() {
        return Ok(WorkspaceName::Guid(guid));
    }
    Ok(WorkspaceName::Named(name(text)?.leak()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_are_named_as_a_shell_takes_them() {
        for (text, shown) in [
            ("00000000-0000-4000-8000-000000000001", None),
            ("arena", None),
            ("My studio", Some("\"My studio\"")),
        ] {
            let parsed = named_workspace(text).unwrap();
            assert_eq!(parsed.to_string(), shown.unwrap_or(text));
        }
        for wrong in ["", "--json", "a\nb"] {
            assert!(named_workspace(wrong).is_err(), "{wrong:?}");
        }
    }
}

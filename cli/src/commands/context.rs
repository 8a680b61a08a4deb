//! `portcullis context`.

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;
use serde_json::{Map, Value};

use super::export::ExportFile;
use crate::api::require_secure_url;
use crate::arguments::UsageError;
use crate::contexts::{Context, ContextField, ContextFile, VARIABLE};
use crate::output::{Output, Printable};

const NONE: &str = "no contexts yet: create one with `portcullis context set NAME FIELD=VALUE…`";

/// The longest name, in bytes.
const LONGEST_NAME: usize = 40;

const EXAMPLES: &str = "\
Examples:
  portcullis context set prod stack=portcullis region=eu-west-1 workspace=\"My studio\"
  portcullis context set mods api=https://bans.example.com key-file=mods.key moderator=1
  portcullis context set mods experiences.arena=75521396999004 experience=arena
  portcullis context use mods
  portcullis context list
  portcullis context show prod
  portcullis context remove mods

A key itself is never in the file: key-file names a file that only you can read (relative to the file of \
contexts), key-variable a variable.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum ContextCommand {
    /// List all contexts.
    List,
    /// Show a context.
    Show {
        /// The name [default: the context in use].
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Use a context from now on, unless --context or `PORTCULLIS_CONTEXT` chooses another.
    Use {
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Create or change a context. An empty value removes a field.
    Set {
        #[arg(value_name = "NAME", value_parser = context_name)]
        name: String,
        /// workspace, experience, moderator, stack, region, profile, endpoint, api, key-file, key-variable,
        /// or experiences.NAME for the name of a place.
        #[arg(value_name = "FIELD=VALUE", value_parser = assignment, required = true)]
        fields: Vec<(String, String)>,
    },
    /// Remove a context.
    Remove {
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ContextSummary {
    name: String,
    /// Whether it is used unless another is chosen.
    is_current: bool,
    #[serde(flatten)]
    fields: Map<String, Value>,
    #[serde(skip)]
    context: Context,
}

impl ContextSummary {
    fn of(context: Context, file: &ContextFile) -> Self {
        let fields = context.values.iter();
        let fields = fields.map(|(field, value)| (field.name().to_owned(), value.clone().into()));
        let mut fields: Map<_, Value> = fields.collect();
        if !context.experiences.is_empty() {
            let places = context.experiences.iter();
            let places = places.map(|(name, place)| (name.clone(), place.get().into()));
            fields.insert("experiences".to_owned(), Value::Object(places.collect()));
        }
        Self {
            is_current: file.current() == Some(context.name.as_str()),
            name: context.name.clone(),
            fields,
            context,
        }
    }
}

impl Printable for ContextSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let value = |field| self.context.value(field).unwrap_or("-").to_owned();
        let fields = ContextField::ALL.map(|field| (field.name(), value(field)));
        let places = self.context.experiences.iter();
        let places: Vec<_> = places
            .map(|(name, place)| format!("{name}={place}"))
            .collect();
        let in_use = if self.is_current { "yes" } else { "no" };
        let mut all = vec![("name", self.name.clone()), ("in use", in_use.to_owned())];
        all.extend(fields);
        all.push(("experiences", places.join(" ")));
        all
    }
}

/// A row of the list.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ContextRow(ContextSummary);

impl Printable for ContextRow {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let context = &self.0.context;
        let value = |field| context.value(field);
        let at = [
            ContextField::Api,
            ContextField::Stack,
            ContextField::Endpoint,
        ];
        let at = at.into_iter().find_map(value);
        vec![
            ("name", self.0.name.clone()),
            (
                "in use",
                if self.0.is_current { "yes" } else { "" }.to_owned(),
            ),
            ("where", at.unwrap_or("-").to_owned()),
            (
                "workspace",
                value(ContextField::Workspace).unwrap_or("-").to_owned(),
            ),
        ]
    }
}

pub fn run(command: ContextCommand, output: Output) -> Result<()> {
    let mut file = ContextFile::load()?;
    match command {
        ContextCommand::List => {
            let all = file.names().into_iter().map(|name| file.context(&name));
            let all = all.map(|context| Ok(ContextRow(ContextSummary::of(context?, &file))));
            return output.list(&all.collect::<Result<Vec<_>>>()?, NONE);
        }
        ContextCommand::Show { name } => {
            let variable = std::env::var(VARIABLE).ok();
            let name = name
                .or(variable)
                .or_else(|| file.current().map(str::to_owned));
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                let said =
                    "no context is in use: name one, or choose one with `portcullis context use`";
                return Err(UsageError(said.to_owned()).into());
            };
            return output.one(&ContextSummary::of(file.context(&name)?, &file));
        }
        ContextCommand::Use { name } => {
            file.choose(&name)?;
            save(&file)?;
            note!("Commands now use context `{name}`.");
        }
        ContextCommand::Set { name, fields } => {
            for (field, value) in &fields {
                if field == ContextField::Api.name() && !value.is_empty() {
                    require_secure_url(value)?;
                }
                file.set(&name, field, value)?;
            }
            save(&file)?;
            output.one(&ContextSummary::of(file.context(&name)?, &file))?;
            if file.current().is_none() {
                note!("To use it without --context: `portcullis context use {name}`.");
            }
        }
        ContextCommand::Remove { name } => {
            file.remove(&name)?;
            save(&file)?;
            note!("Removed context `{name}`.");
        }
    }
    Ok(())
}

fn save(file: &ContextFile) -> Result<()> {
    let text = file.text()?;
    if let Some(folder) = file.path().parent() {
        std::fs::create_dir_all(folder)?;
    }
    // A link to the file stays one.
    let path = file.path().canonicalize();
    let mut target = ExportFile::open(path.as_deref().unwrap_or(file.path()))?;
    target.write(text.as_bytes())?;
    target.complete()
}

fn context_name(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "expected 1 to {LONGEST_NAME} letters, digits, hyphens and underscores"
    ))
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=');
    let (field, value) = parts.ok_or("expected FIELD=VALUE, such as stack=portcullis")?;
    Ok((field.trim().to_owned(), value.trim().to_owned()))
}

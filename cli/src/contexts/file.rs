//! The file of contexts.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use etcetera::BaseStrategy;
use shared::domain::ids::PlaceId;
use shared::domain::keys::KeyKind;
use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use super::{Context, ContextField};
use crate::arguments::named_place;

/// The variable that names the file.
const PATH: &str = "PORTCULLIS_CONFIG";

const CURRENT: &str = "current";
const CONTEXTS: &str = "contexts";
const EXPERIENCES: &str = "experiences";

/// Begins the fields that name places: `experiences.arena`.
const EXPERIENCE_PREFIX: &str = "experiences.";

const KEY_HINT: &str = "an API key does not belong there: store it in a file that only you can read, and \
                        set key-file, or set key-variable to the name of a variable that has it";

/// The file, with the comments of those who edit it.
#[derive(Clone, Debug)]
pub struct ContextFile {
    path: PathBuf,
    document: DocumentMut,
}

impl ContextFile {
    /// Reads the file; one that does not exist is empty.
    pub fn load() -> Result<Self> {
        let path = path()?;
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("could not read {}", path.display()));
            }
        };
        Self::parse(path, &text)
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self> {
        let shown = path.display();
        if let Some(at) = text.lines().position(contains_key) {
            bail!(
                "{shown} contains an API key in line {}: {KEY_HINT}",
                at.saturating_add(1)
            );
        }
        let document = text.parse::<DocumentMut>().map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(0, |before| before.matches('\n').count());
            let line = line.saturating_add(1);
            anyhow::anyhow!("{shown} is not TOML: line {line}: {}", error.message())
        })?;
        let file = Self { path, document };
        if let Some(unknown) = file
            .document
            .iter()
            .map(|(name, _)| name)
            .find(|name| ![CURRENT, CONTEXTS].contains(name))
        {
            bail!("{} has an unknown field `{unknown}`", file.path.display());
        }
        for name in file.names() {
            file.context(&name)?;
        }
        Ok(file)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The context that is used unless another is chosen.
    pub fn current(&self) -> Option<&str> {
        self.document.get(CURRENT)?.as_str()
    }

    /// The names of all contexts, sorted.
    pub fn names(&self) -> Vec<String> {
        let contexts = self.document.get(CONTEXTS).and_then(Item::as_table_like);
        let names = contexts.into_iter().flat_map(TableLike::iter);
        let mut names: Vec<_> = names.map(|(name, _)| name.to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// Fails with the names that exist.
    pub fn context(&self, name: &str) -> Result<Context> {
        let contexts = self.document.get(CONTEXTS);
        let Some(item) = contexts.and_then(|contexts| contexts.get(name)) else {
            let known = match self.names().as_slice() {
                [] => "it has none".to_owned(),
                names => format!("it has {}", names.join(", ")),
            };
            bail!("{} has no context `{name}`: {known}", self.path.display());
        };
        self.read(name, item)
            .with_context(|| format!("{}: context `{name}`", self.path.display()))
    }

    fn read(&self, name: &str, item: &Item) -> Result<Context> {
        let fields = item.as_table_like().context("it is not a table")?;
        let mut context = Context {
            name: name.to_owned(),
            values: BTreeMap::new(),
            experiences: BTreeMap::new(),
        };
        for (key, item) in fields.iter() {
            if key == EXPERIENCES {
                context.experiences = experiences(item)?;
                continue;
            }
            let field = field(key)?;
            let text =
                text(item).with_context(|| format!("{key} is neither a text nor a number"))?;
            context.values.insert(field, self.resolved(field, text)?);
        }
        // A name is as good as an id.
        if let Some(id) = context
            .value(ContextField::Experience)
            .and_then(|name| context.experiences.get(name))
        {
            let id = id.to_string();
            context.values.insert(ContextField::Experience, id);
        }
        let has = |field| context.value(field).is_some();
        if has(ContextField::KeyFile) && has(ContextField::KeyVariable) {
            bail!("key-file and key-variable exclude each other");
        }
        Ok(context)
    }

    /// A path is relative to the file, or begins with `~/`.
    fn resolved(&self, field: ContextField, text: String) -> Result<String> {
        if field != ContextField::KeyFile {
            return Ok(text);
        }
        let path = match text.strip_prefix("~/") {
            Some(rest) => etcetera::home_dir()?.join(rest),
            None => self.path.with_file_name(text),
        };
        Ok(path.display().to_string())
    }

    /// Sets a field of a context, or removes it if the value is empty. Makes the context if there is
    /// none. A wrong result is found by [`Self::save`].
    pub fn set(&mut self, name: &str, key: &str, text: &str) -> Result<()> {
        let experience = key.strip_prefix(EXPERIENCE_PREFIX);
        let value = match experience {
            _ if text.is_empty() => Item::None,
            Some(_) => {
                let id = named_place(text).map_err(anyhow::Error::msg)?.get();
                value(i64::try_from(id)?)
            }
            None => value(text),
        };
        let context = table(table(self.document.as_table_mut(), CONTEXTS)?, name)?;
        let (context, key) = match experience {
            Some(place) => (table(context, EXPERIENCES)?, place),
            None => (context, field(key)?.name()),
        };
        match value {
            Item::None => context.remove(key),
            value => context.insert(key, value),
        };
        Ok(())
    }

    /// Uses a context unless another is chosen.
    pub fn choose(&mut self, name: &str) -> Result<()> {
        self.context(name)?;
        self.document.insert(CURRENT, value(name));
        Ok(())
    }

    pub fn remove(&mut self, name: &str) -> Result<()> {
        self.context(name)?;
        table(self.document.as_table_mut(), CONTEXTS)?.remove(name);
        if self.current() == Some(name) {
            self.document.remove(CURRENT);
        }
        Ok(())
    }

    /// The text of the file, if it is valid.
    pub fn text(&self) -> Result<String> {
        let text = self.document.to_string();
        Self::parse(self.path.clone(), &text)?;
        Ok(text)
    }
}

/// `PORTCULLIS_CONFIG`, or else `portcullis/config.toml` where the system has configuration files.
fn path() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(PATH).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let base = etcetera::choose_base_strategy().context("could not find the home directory")?;
    Ok(base.config_dir().join("portcullis").join("config.toml"))
}

fn field(key: &str) -> Result<ContextField> {
    ContextField::named(key).with_context(|| {
        let names = ContextField::ALL.map(ContextField::name).join(", ");
        format!("unknown field `{key}`: expected {names} or experiences.NAME")
    })
}

fn text(item: &Item) -> Option<String> {
    let number = || item.as_integer().map(|number| number.to_string());
    item.as_str().map(str::to_owned).or_else(number)
}

fn experiences(item: &Item) -> Result<BTreeMap<String, PlaceId>> {
    let places = item
        .as_table_like()
        .context("experiences is not a table of names and place ids")?;
    places
        .iter()
        .map(|(name, item)| {
            let id = text(item)
                .context("expected a Roblox place id")
                .and_then(|id| named_place(&id).map_err(anyhow::Error::msg));
            Ok((
                name.to_owned(),
                id.with_context(|| format!("experiences.{name}"))?,
            ))
        })
        .collect()
}

/// The table below `parent`, which is made if there is none.
fn table<'a>(parent: &'a mut Table, key: &str) -> Result<&'a mut Table> {
    let made = || {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    };
    let item = parent.entry(key).or_insert_with(made);
    let wrong = || format!("`{key}` is not a table with a heading of its own");
    item.as_table_mut().with_context(wrong)
}

fn contains_key(line: &str) -> bool {
    let mut kinds = [KeyKind::Secret, KeyKind::Public].into_iter();
    kinds.any(|kind| line.contains(&format!("{}.", kind.prefix())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<ContextFile> {
        ContextFile::parse(PathBuf::from("/etc/portcullis/config.toml"), text)
    }

    #[test]
    fn contexts_are_read_with_names_of_experiences() {
        let text = "current = \"prod\"\n[contexts.prod]\nworkspace = \"My studio\"\nmoderator = 1\n\
                    experience = \"arena\"\nkey-file = \"prod.key\"\n[contexts.prod.experiences]\narena = 7\n";
        let file = parsed(text).unwrap();
        assert_eq!(file.current(), Some("prod"));
        let prod = file.context("prod").unwrap();
        for (field, expected) in [
            (ContextField::Workspace, Some("My studio")),
            (ContextField::Moderator, Some("1")),
            (ContextField::Experience, Some("7")),
            (ContextField::KeyFile, Some("/etc/portcullis/prod.key")),
            (ContextField::Api, None),
        ] {
            assert_eq!(prod.value(field), expected);
        }
        let said = file.context("dev").unwrap_err().to_string();
        assert!(said.contains("no context `dev`: it has prod"), "{said}");
    }

    #[test]
    fn wrong_files_are_refused_without_repeating_a_key() {
        let key = "sentinelAPI.00000000-0000-4000-8000-000000000001";
        for (text, why) in [
            (
                format!("[contexts.a]\nkey = \"{key}\""),
                "in line 2: an API key does not belong",
            ),
            (format!("# {key}"), "in line 1"),
            (
                "[contexts.a]\nname = \"x\"".to_owned(),
                "unknown field `name`",
            ),
            ("[contexts.a]\nstack = true".to_owned(), "stack is neither"),
            ("contexts = 3".to_owned(), ""),
            (
                "[contexts.a.experiences]\nx = 0".to_owned(),
                "experiences.x",
            ),
            ("a = 1".to_owned(), "unknown field `a`"),
            ("[contexts.a\n".to_owned(), "line 1"),
            (
                "[contexts.a]\nkey-file = \"a\"\nkey-variable = \"b\"".to_owned(),
                "exclude each other",
            ),
        ] {
            match parsed(&text) {
                Ok(_) => assert!(why.is_empty(), "{text}"),
                Err(error) => {
                    let said = format!("{error:#}");
                    assert!(said.contains(why) && !said.contains("00000000"), "{said}");
                }
            }
        }
    }

    #[test]
    fn changes_keep_comments_and_order() {
        let mut file =
            parsed("# mine\n[contexts.prod]\nstack = \"a\" # old\napi = \"b\"\n").unwrap();
        file.set("prod", "api", "").unwrap();
        file.set("prod", "experiences.arena", "7").unwrap();
        file.set("dev", "stack", "dev").unwrap();
        file.choose("dev").unwrap();
        let text = file.text().unwrap();
        assert!(text.contains("# mine") && text.contains("# old"), "{text}");
        let again = parsed(&text).unwrap();
        assert_eq!(again.names(), ["dev", "prod"]);
        assert_eq!(
            again.context("prod").unwrap().value(ContextField::Api),
            None
        );
        file.remove("dev").unwrap();
        assert_eq!(
            (file.current(), file.names()),
            (None, vec!["prod".to_owned()])
        );
        assert!(file.set("prod", "colour", "x").is_err());
        assert!(file.set("prod", "experiences.arena", "zero").is_err());
        file.set("prod", "stack", "sentinelAPI.x").unwrap();
        assert!(file.text().is_err());
    }
}

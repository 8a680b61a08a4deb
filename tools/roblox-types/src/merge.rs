//! One script of all files, because the checker takes one: a file comes after those that it requires.
//!
//! Each file's locals stay top-level and may hide earlier ones of the same name. A type cannot: if several files have
//! one of that name, it gets the file's name in front. No line is added, so that an error leads to its file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use regex_lite::{Captures, Regex};

use crate::sources::{ROOT, Sources};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub struct Merged {
    pub text: String,
    /// Each file with its first line.
    starts: Vec<(usize, String)>,
}

impl Merged {
    /// The file and line of a line that is counted from 0.
    pub fn origin(&self, line: u32) -> String {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        let file = self.starts.iter().rev().find(|(start, _)| *start <= line);
        file.map_or_else(
            || format!("line {line}"),
            |(start, name)| format!("{name}.luau:{}", line - start + 1),
        )
    }
}

/// The name of a file's table, by which others know it: the last part of its path.
fn table(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

pub fn merge(sources: &Sources) -> Result<Merged> {
    let patterns = Patterns::new()?;
    let order = patterns.order(sources)?;
    let types: BTreeMap<&str, BTreeSet<&str>> = sources
        .iter()
        .map(|(file, text)| (table(file), patterns.types(text)))
        .collect();
    let is_shared = |name: &str| types.values().filter(|own| own.contains(name)).count() > 1;
    // A file's own table keeps its name, and the type of the same name with it.
    let renamed =
        |of: &str, name: &str| (is_shared(name) && name != of).then(|| format!("{of}_{name}"));

    let mut merged = Merged {
        text: "--!strict\n".to_owned(),
        starts: Vec::new(),
    };
    for file in order {
        let text = sources.get(file).ok_or(file)?;
        let start = merged.text.lines().count();
        merged.starts.push((start, file.to_owned()));
        let own = table(file);
        let mut text = patterns.as_part(text, own);
        for name in types.get(own).into_iter().flatten() {
            if let Some(new) = renamed(own, name) {
                text = rename(&text, name, &new)?;
            }
        }
        let text = patterns
            .qualified
            .replace_all(&text, |found: &Captures<'_>| {
                let (of, name) = (&found[1], &found[2]);
                let is_type = types.get(of).is_some_and(|own| own.contains(name));
                if is_type {
                    renamed(of, name).unwrap_or_else(|| name.to_owned())
                } else {
                    found[0].to_owned()
                }
            });
        merged.text.push_str(&text);
    }
    Ok(merged)
}

/// Renames a type where it is not a part of another name.
fn rename(text: &str, name: &str, new: &str) -> Result<String> {
    let uses = Regex::new(&format!(r"(^|[^\w.]){name}([^\w.]|$)"))?;
    let once = |text: &str| {
        let replaced = uses.replace_all(text, |found: &Captures<'_>| {
            format!("{}{new}{}", &found[1], &found[2])
        });
        replaced.into_owned()
    };
    // Uses that touch each other share a character: hence twice.
    Ok(once(&once(text)))
}

struct Patterns {
    require: Regex,
    types: Regex,
    qualified: Regex,
}

impl Patterns {
    fn new() -> Result<Self> {
        Ok(Self {
            require: Regex::new(
                r#"(?m)^local (\w+) = require\("(?:@self/|\./|(?:\.\./)+)(?:\w+/)*(\w+)"\)$"#,
            )?,
            types: Regex::new(r"(?m)^(?:export )?type (\w+)")?,
            qualified: Regex::new(r"\b(\w+)\.([A-Z]\w*)")?,
        })
    }

    fn types<'a>(&self, text: &'a str) -> BTreeSet<&'a str> {
        let found = self.types.captures_iter(text);
        found
            .filter_map(|found| found.get(1))
            .map(|name| name.as_str())
            .collect()
    }

    /// The files, each after those that it requires.
    fn order<'a>(&self, sources: &'a Sources) -> Result<Vec<&'a str>> {
        let by_table: BTreeMap<&str, &str> = sources
            .iter()
            .map(|(file, _)| (table(file), file))
            .collect();
        if by_table.len() != sources.len() {
            return Err("two files have the same name".into());
        }
        let mut order = Vec::new();
        self.visit(ROOT, sources, &by_table, &mut order)?;
        if let Some((unused, _)) = sources.iter().find(|(file, _)| !order.contains(file)) {
            return Err(format!("nothing requires {unused}").into());
        }
        Ok(order)
    }

    fn visit<'a>(
        &self,
        file: &'a str,
        sources: &'a Sources,
        by_table: &BTreeMap<&str, &'a str>,
        order: &mut Vec<&'a str>,
    ) -> Result<()> {
        if order.contains(&file) {
            return Ok(());
        }
        for found in self.require.captures_iter(sources.get(file).ok_or(file)?) {
            if found[1] != found[2] {
                return Err(format!("{file} requires {} under another name", &found[2]).into());
            }
            let required = by_table.get(&found[2]);
            let required = required.ok_or_else(|| format!("{file} requires {}", &found[2]))?;
            self.visit(required, sources, by_table, order)?;
        }
        order.push(file);
        Ok(())
    }

    /// The text without its directive and its requires. What it returns becomes a local, if it is not one.
    fn as_part(&self, text: &str, own: &str) -> String {
        let mut part = String::new();
        for line in text.lines() {
            match line.strip_prefix("return ") {
                Some(value) if value != own => part.extend(["local ", own, " = ", value]),
                None if !line.starts_with("--!") && !self.require.is_match(line) => {
                    part.push_str(line);
                }
                _ => {}
            }
            part.push('\n');
        }
        part.replace("\nexport type ", "\ntype ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Sources {
        let owned = |(file, text): &(&str, &str)| ((*file).to_owned(), (*text).to_owned());
        files.iter().map(owned).collect()
    }

    #[test]
    fn a_file_comes_after_those_that_it_requires() {
        let merged = merge(&sources(&[
            (
                "init",
                "--!strict\nlocal Door = require(\"@self/players/Door\")\nreturn Door.open\n",
            ),
            (
                "players/Door",
                "--!strict\nlocal Door = {}\nlocal Version = require(\"../Version\")\nreturn Door\n",
            ),
            ("Version", "--!strict\nreturn \"1\"\n"),
        ]));
        let merged = merged.unwrap();
        let expected = "--!strict\n\nlocal Version = \"1\"\n\nlocal Door = {}\n\n\n\n\nlocal init = Door.open\n";
        assert_eq!(merged.text, expected);
        assert_eq!(merged.origin(2), "Version.luau:2");
        assert_eq!(merged.origin(9), "init.luau:3");
    }

    #[test]
    fn types_of_one_name_are_kept_apart() {
        let merged = merge(&sources(&[
            (
                "init",
                "local A = require(\"@self/A\")\nlocal B = require(\"@self/B\")\n\
                 type X = { a: A.X, y: A.Y, z: { X } }\nlocal value = A.X\nreturn value\n",
            ),
            (
                "A",
                "local A = {}\nexport type X = number\nexport type Y = X|X\nreturn A\n",
            ),
            (
                "B",
                "local B = {}\nexport type B = B_\nlocal A = require(\"./A\")\nreturn B\n",
            ),
        ]));
        let text = merged.unwrap().text;
        for line in [
            "type A_X = number",
            "type Y = A_X|A_X",
            "type init_X = { a: A_X, y: Y, z: { init_X } }",
            "type B = B_",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }

    #[test]
    fn a_file_that_is_missing_or_not_required_is_an_error() {
        let missing = merge(&sources(&[("init", "local A = require(\"@self/A\")\n")]));
        assert!(missing.is_err());
        let unused = merge(&sources(&[("init", "return 1\n"), ("A", "return 1\n")]));
        assert!(unused.is_err());
    }
}

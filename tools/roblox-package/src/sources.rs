//! The source files by their name without ending, such as `http/Client`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Error};
use std::path::Path;

/// The file that is the module itself.
pub const ROOT: &str = "init";

const ENDING: &str = ".luau";

pub struct Sources(BTreeMap<String, String>);

impl Sources {
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        collect(folder, "", &mut files)?;
        if files.contains_key(ROOT) {
            Ok(Self(files))
        } else {
            Err(Error::other(format!(
                "{} has no init.luau",
                folder.display()
            )))
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

impl FromIterator<(String, String)> for Sources {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(files: T) -> Self {
        Self(files.into_iter().collect())
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name();
        let Some(file) = file.to_str() else { continue };
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{prefix}{file}/"), files)?;
        } else if let Some(name) = file.strip_suffix(ENDING) {
            files.insert(format!("{prefix}{name}"), fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

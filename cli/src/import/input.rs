//! The input file, which can be read repeatedly. Standard input is buffered in a temporary file.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use shared::domain::ids::WorkspaceId;

#[derive(Debug)]
pub struct InputFile {
    file: File,
    path: Option<PathBuf>,
}

impl InputFile {
    /// Opens a file; `-` is standard input.
    pub fn open(path: &Path) -> Result<Self> {
        if path != Path::new("-") {
            let file =
                File::open(path).with_context(|| format!("could not read {}", path.display()))?;
            return Ok(Self {
                file,
                path: Some(path.to_owned()),
            });
        }
        let mut file = temporary().context("could not create a temporary file")?;
        io::copy(&mut io::stdin().lock(), &mut file).context("could not read standard input")?;
        Ok(Self { file, path: None })
    }

    /// The file from its start. This invalidates the handles that were returned before.
    pub fn again(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        io::Seek::rewind(&mut file)
            .map_err(|error| io::Error::other(format!("pass - and pipe it in ({error})")))?;
        Ok(file)
    }

    /// The default path of the errors file.
    pub fn errors(&self, extension: &str) -> PathBuf {
        let name = self
            .path
            .as_deref()
            .map_or("import".as_ref(), Path::as_os_str);
        let mut name = name.to_owned();
        name.push(".errors.");
        name.push(extension);
        name.into()
    }

    /// Whether a path is this file.
    pub fn is_at(&self, path: &Path) -> bool {
        let own = self.path.as_deref().and_then(|own| own.canonicalize().ok());
        own.is_some() && own == path.canonicalize().ok()
    }
}

/// A private temporary file that is deleted when it is closed.
fn temporary() -> io::Result<File> {
    // A workspace id serves as a random name.
    let path = std::env::temp_dir().join(format!("portcullis-{}", WorkspaceId::random()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    // Systems that cannot remove an open file keep it.
    let _ = std::fs::remove_file(&path);
    Ok(file)
}

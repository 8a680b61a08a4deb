//! The file to be read, as often as need be; what comes through a pipe is kept for that long.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use shared::domain::ids::WorkspaceId;

/// A file, or what came through a pipe.
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
                File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
            return Ok(Self {
                file,
                path: Some(path.to_owned()),
            });
        }
        let mut file = nameless().context("there is no room for what comes in")?;
        io::copy(&mut io::stdin().lock(), &mut file).context("standard input cannot be read")?;
        Ok(Self { file, path: None })
    }

    /// The file from its beginning. Only the last of these can be read.
    pub fn again(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        io::Seek::rewind(&mut file)
            .map_err(|error| io::Error::other(format!("give - and pipe it in ({error})")))?;
        Ok(file)
    }

    /// Where failed rows go unless a flag says otherwise.
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

    /// Whether this is the file itself.
    pub fn is_at(&self, path: &Path) -> bool {
        let own = self.path.as_deref().and_then(|own| own.canonicalize().ok());
        own.is_some() && own == path.canonicalize().ok()
    }
}

/// A temporary file that nobody else can open and that goes when it is closed.
fn nameless() -> io::Result<File> {
    // Any random text does for a name.
    let path = std::env::temp_dir().join(format!("portcullis-{}", WorkspaceId::random()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    // Where an open file cannot be removed it is left to the system.
    let _ = std::fs::remove_file(&path);
    Ok(file)
}

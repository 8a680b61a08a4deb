//! The file that an export writes.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::confirm::confirm;
use crate::terminal::Pipe;

/// Asks before a file is overwritten.
pub fn confirm_overwriting(path: &Path, yes: bool) -> Result<()> {
    if path == Path::new("-") || !path.exists() {
        return Ok(());
    }
    confirm(&format!("{} exists. Overwrite it?", path.display()), yes)
}

/// Where an export goes. A file appears under its name when it is complete, readable by its owner
/// only, since it holds what is for moderators.
pub struct ExportFile {
    to: Option<(PathBuf, PathBuf)>,
    file: Option<File>,
    pipe: Option<Pipe>,
}

impl ExportFile {
    /// Begins a file, or standard output for `-`.
    pub fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self {
                to: None,
                file: None,
                pipe: Some(Pipe::open()?),
            });
        }
        let mut part = path.as_os_str().to_owned();
        part.push(format!(".part-{}", std::process::id()));
        let part = PathBuf::from(part);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&part)
            .with_context(|| format!("{} cannot be written", part.display()))?;
        Ok(Self {
            to: Some((part, path.to_owned())),
            file: Some(file),
            pipe: None,
        })
    }

    /// Adds to it.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match (&mut self.file, &mut self.pipe) {
            (Some(file), _) => file.write_all(bytes),
            (None, Some(pipe)) => pipe.write(bytes),
            (None, None) => Ok(()),
        };
        written.context("the export could not be written")
    }

    /// The file is whole: it gets its name.
    pub fn complete(&mut self) -> Result<()> {
        let Some((part, path)) = &self.to else {
            let flushed = self.pipe.as_mut().map_or(Ok(()), Pipe::flush);
            return flushed.context("the export could not be written");
        };
        let whole = self.file.take().map_or(Ok(()), |file| file.sync_all());
        whole
            .and_then(|()| std::fs::rename(part, path))
            .with_context(|| format!("{} could not be written", path.display()))?;
        self.to = None;
        Ok(())
    }
}

impl Drop for ExportFile {
    /// Removes a file that is not complete.
    fn drop(&mut self) {
        if let Some((part, _)) = &self.to {
            let _ = std::fs::remove_file(part);
        }
    }
}

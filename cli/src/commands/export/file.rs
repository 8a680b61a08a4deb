//! The output file of an export.

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

/// The output of an export. A file gets its name only when it is complete. Only its owner can read it,
/// since it contains private reasons.
pub struct ExportFile {
    to: Option<(PathBuf, PathBuf)>,
    file: Option<File>,
    pipe: Option<Pipe>,
}

impl ExportFile {
    /// Opens a file, or standard output for `-`.
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
            .with_context(|| format!("could not write {}", part.display()))?;
        Ok(Self {
            to: Some((part, path.to_owned())),
            file: Some(file),
            pipe: None,
        })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match (&mut self.file, &mut self.pipe) {
            (Some(file), _) => file.write_all(bytes),
            (None, Some(pipe)) => pipe.write(bytes),
            (None, None) => Ok(()),
        };
        written.context("could not write the export")
    }

    /// Gives the complete file its name.
    pub fn complete(&mut self) -> Result<()> {
        let Some((part, path)) = &self.to else {
            let flushed = self.pipe.as_mut().map_or(Ok(()), Pipe::flush);
            return flushed.context("could not write the export");
        };
        let whole = self.file.take().map_or(Ok(()), |file| file.sync_all());
        whole
            .and_then(|()| std::fs::rename(part, path))
            .with_context(|| format!("could not write {}", path.display()))?;
        self.to = None;
        Ok(())
    }
}

impl Drop for ExportFile {
    /// Removes an incomplete file.
    fn drop(&mut self) {
        if let Some((part, _)) = &self.to {
            let _ = std::fs::remove_file(part);
        }
    }
}

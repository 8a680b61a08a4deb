//! The processes of a program that runs already, and what they have used.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::process;

/// A process that somebody else ends.
#[derive(Clone, Copy, Debug)]
pub struct Running(u32);

impl Running {
    /// The process with that id.
    pub const fn with_id(id: u32) -> Self {
        Self(id)
    }

    /// The processes of a program that this one has started.
    pub fn children(program: &Path) -> anyhow::Result<Vec<Self>> {
        let path = program.canonicalize();
        let path = path.with_context(|| program.display().to_string())?;
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Ok(id) = entry?.file_name().to_string_lossy().parse() else {
                continue;
            };
            // Most others belong to somebody else, or have ended in this moment.
            let runs = fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe == path);
            if runs && parent(id) == Some(std::process::id()) {
                found.push(Self(id));
            }
        }
        Ok(found)
    }

    /// The time that its threads have computed so far.
    pub fn computed(self) -> anyhow::Result<Duration> {
        process::computed(self.0)
    }

    /// The most memory it has had, in MB.
    pub fn peak_megabytes(self) -> anyhow::Result<f64> {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
        let bytes = process::peak_memory(self.0)? as f64;
        Ok(bytes / f64::from(1 << 20))
    }
}

fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // After the name, which is in brackets and may hold anything: state, parent.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::parent_id;

    use super::*;

    #[test]
    fn what_a_process_computes_and_remembers_is_seen() {
        let own = Running::with_id(std::process::id());
        let before = own.computed().unwrap();
        let numbers: Vec<u64> = (0..4_000_000).map(|number| number ^ 0x55).collect();
        assert!(numbers.iter().sum::<u64>() > 0);
        assert!(own.computed().unwrap() > before);
        assert!(own.peak_megabytes().unwrap() > 30.0);
    }

    #[test]
    fn only_our_own_children_are_found() {
        assert_eq!(parent(std::process::id()), Some(parent_id()));
        let own = std::env::current_exe().unwrap();
        assert!(Running::children(&own).unwrap().is_empty());
        assert!(Running::children(Path::new("/no/such/program")).is_err());
    }
}

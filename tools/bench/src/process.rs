//! What a running process has used, as Linux counts it in `/proc`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

/// A process by its id.
#[derive(Clone, Copy, Debug)]
pub struct Process(u32);

impl Process {
    pub const fn with_id(id: u32) -> Self {
        Self(id)
    }

    /// The children of this process that run a program.
    pub fn children(program: &Path) -> anyhow::Result<Vec<Self>> {
        let path = program.canonicalize();
        let path = path.with_context(|| program.display().to_string())?;
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Ok(id) = entry?.file_name().to_string_lossy().parse() else {
                continue;
            };
            // Most others belong to another user, or have just ended.
            let runs = fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe == path);
            if runs && parent(id) == Some(std::process::id()) {
                found.push(Self(id));
            }
        }
        Ok(found)
    }

    /// The CPU time of all its threads so far.
    pub fn computed(self) -> anyhow::Result<Duration> {
        let mut sum = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.0))? {
            sum += nanoseconds(&task?.path().join("schedstat"))?;
        }
        Ok(Duration::from_nanos(sum))
    }

    /// The most memory it has had, in bytes.
    pub fn peak_memory(self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.context("VmHWM")?.trim().trim_end_matches(" kB");
        Ok(peak.parse::<f64>().context("VmHWM")? * 1024.0)
    }

    /// The same in MiB.
    pub fn peak_mebibytes(self) -> anyhow::Result<f64> {
        Ok(self.peak_memory()? / f64::from(1 << 20))
    }
}

/// The CPU time of the calling thread.
pub fn thread_cpu() -> anyhow::Result<Duration> {
    let spent = nanoseconds(Path::new("/proc/thread-self/schedstat"))?;
    Ok(Duration::from_nanos(spent))
}

/// The first number of a `schedstat`: the nanoseconds on a CPU.
fn nanoseconds(schedstat: &Path) -> anyhow::Result<u64> {
    let text = fs::read_to_string(schedstat)?;
    let spent = text.split_whitespace().next().context("schedstat")?;
    spent.parse().context("schedstat")
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
    fn cpu_time_and_memory_of_a_process_are_counted() {
        let own = Process::with_id(std::process::id());
        let before = own.computed().unwrap();
        let numbers: Vec<u64> = (0..4_000_000).map(|number| number ^ 0x55).collect();
        assert!(numbers.iter().sum::<u64>() > 0);
        assert!(own.computed().unwrap() > before);
        assert!(own.peak_mebibytes().unwrap() > 30.0);
    }

    #[test]
    fn only_children_of_this_process_are_found() {
        assert_eq!(parent(std::process::id()), Some(parent_id()));
        let own = std::env::current_exe().unwrap();
        assert!(Process::children(&own).unwrap().is_empty());
        assert!(Process::children(Path::new("/no/such/program")).is_err());
    }
}

//! A function's process: started, looked at, and ended.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

/// A running function; it is killed when this is dropped.
pub struct Process {
    /// When it was started.
    pub started: Instant,
    child: Child,
}

impl Process {
    /// Starts a binary with this environment and no other.
    pub fn start(binary: &Path, environment: &[(String, String)]) -> anyhow::Result<Self> {
        let mut command = Command::new(binary);
        command
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| binary.display().to_string())?;
        Ok(Self { started, child })
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The time that its threads have computed so far.
    pub fn computed(&self) -> anyhow::Result<Duration> {
        computed(self.id())
    }

    /// The most memory it has had, in bytes.
    pub fn peak_memory(&self) -> anyhow::Result<u64> {
        peak_memory(self.id())
    }
}

/// The time that the threads of a process have computed so far.
pub fn computed(process: u32) -> anyhow::Result<Duration> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        // The first number is the nanoseconds on a CPU.
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let spent = text.split_whitespace().next().context("schedstat")?;
        sum += spent.parse::<u64>().context("schedstat")?;
    }
    Ok(Duration::from_nanos(sum))
}

/// The most memory that a process has had, in bytes.
pub fn peak_memory(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.context("VmHWM")?.trim().trim_end_matches(" kB");
    Ok(peak.parse::<u64>().context("VmHWM")? * 1024)
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

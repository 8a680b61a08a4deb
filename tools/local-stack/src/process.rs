//! Child processes that end with their parent, even if it is killed.
//!
//! A guard starts each program: this executable with [`GUARD`] as its first argument. It has its own process
//! group, so the terminal's Ctrl-C does not reach it, and it ends the program on request or when its parent
//! is gone.

use std::{
    ffi::OsString,
    os::unix::process::parent_id,
    path::Path,
    process::{ExitCode, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::{
    process::{Child, ChildStderr, ChildStdout, Command},
    signal::unix::{SignalKind, signal},
};

use crate::{Error, Result};

/// The first argument that makes an executable a guard.
pub const GUARD: &str = "guard";

/// How long a program may take to end on SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// How often to check that the parent exists.
const WATCH: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct Guarded {
    guard: Child,
}

impl Guarded {
    /// Starts a program; `set_up` adds its arguments, variables and folder.
    ///
    /// This executable must call [`guard`] when its first argument is [`GUARD`].
    pub fn start(program: &Path, set_up: impl FnOnce(&mut Command)) -> Result<Self> {
        let own = std::env::current_exe().map_err(Error::file("/proc/self/exe"))?;
        let mut command = Command::new(own);
        command
            .arg(GUARD)
            .arg(program)
            .stdin(Stdio::null())
            .process_group(0);
        remove_cargo_variables(&mut command);
        set_up(&mut command);
        let guard = command.spawn().map_err(Error::file(program))?;
        Ok(Self { guard })
    }

    /// The program's output, if `set_up` asked for pipes.
    pub fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.guard.stdout.take(), self.guard.stderr.take())
    }

    /// Waits until the program ends, and returns how it ended.
    pub async fn ended(&mut self) -> String {
        self.guard
            .wait()
            .await
            .map_or_else(|e| e.to_string(), |status| status.to_string())
    }

    /// Ends the program and waits until it has ended.
    pub async fn stop(mut self) {
        if let Some(pid) = self.guard.id().and_then(pid_of) {
            // It may have just ended.
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.guard.wait().await;
    }
}

/// Removes the variables of `cargo run` about its package. Build scripts read some of them, so a cargo that
/// inherits them would rebuild.
pub fn remove_cargo_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}

/// Runs the program in the arguments until it or the parent ends.
pub async fn guard(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let parent = parent_id();
    let Some(program) = arguments.next() else {
        return ExitCode::FAILURE;
    };
    let mut child = match Command::new(&program)
        .args(arguments)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
    {
        Ok(child) => child,
        Err(error) => {
            eprintln!("{}: {error}", program.to_string_lossy());
            return ExitCode::FAILURE;
        }
    };
    tokio::select! {
        status = child.wait() => {
            let code = status.ok().and_then(|status| status.code()).unwrap_or(1);
            return ExitCode::from(u8::try_from(code).unwrap_or(1));
        }
        () = parent_gone(parent) => {}
        () = told_to_stop() => {}
    }
    let group = child.id().and_then(pid_of);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::TERM);
        if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = child.wait().await;
        }
    }
    ExitCode::SUCCESS
}

/// Waits for SIGINT, SIGTERM or SIGHUP.
pub async fn told_to_stop() {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let waits = kinds.into_iter().map(|kind| {
        Box::pin(async move {
            match signal(kind) {
                Ok(mut signals) => drop(signals.recv().await),
                // Without a handler the signal ends the process, which has the same effect.
                Err(_) => std::future::pending().await,
            }
        })
    });
    futures::future::select_all(waits).await;
}

/// Waits until the process with this id is no longer the parent.
pub async fn parent_gone(parent: u32) {
    while parent_id() == parent {
        tokio::time::sleep(WATCH).await;
    }
}

fn pid_of(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

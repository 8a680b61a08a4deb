//! The operator's command, on the database with faults.

use std::process::{Child, Stdio};

use crate::plan::{JOINING, LINK_TTL};
use crate::recorder::Recorder;

/// A running command; killed when it is dropped.
pub struct Command(Child);

impl Command {
    /// Starts it for the workspace in which places join. `None` if it cannot be started.
    pub fn start(recorder: &Recorder<'_>, arguments: &[&str]) -> Option<Self> {
        let (app, workspace) = (recorder.app, recorder.workspaces.get(JOINING)?);
        // It lies beside this program.
        let program = std::env::current_exe().ok()?.with_file_name("portcullis");
        let control = app.control().endpoint();
        let command = std::process::Command::new(program)
            .env_clear()
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", app.secrets().endpoint())
            .env("AWS_ENDPOINT_URL_S3", app.objects())
            .env("AWS_ENDPOINT_URL_CLOUDFORMATION", control)
            .env("AWS_ENDPOINT_URL_LAMBDA", control)
            .env("ROBLOX_API_URL", app.roblox().endpoint())
            .env("PORTCULLIS_WORKSPACE", workspace.guid())
            .env(shared::testing::LINK_TTL, LINK_TTL.to_string())
            .args(["--endpoint", app.faults().endpoint()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        command.ok().map(Self)
    }

    /// Whether it has not ended.
    pub fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! Names the runs of commands in the history.

use crate::store::decisions::actor::Actor;

impl Actor {
    /// The actor name of one run of a command, under which its decisions are in the history and can
    /// be undone: `undo-1f2e3d4c`.
    #[must_use]
    pub fn run_name(command: &str) -> String {
        let random = uuid::Uuid::new_v4().simple().to_string();
        format!("{command}-{}", random.get(..8).unwrap_or_default())
    }
}

//! `portcullis workspace`.

use anyhow::{Result, bail};
use clap::Subcommand;
use serde::Serialize;
use shared::clock::Moment;
use shared::ids::WorkspaceId;
use shared::store::{Linking, Store, Workspace};

use crate::arguments::{name, one_of};
use crate::output::{Output, Record, rfc3339, word};

/// How many ids are tried. Among a million workspaces one in 4,000 ids is taken.
const TRIES: usize = 5;

#[derive(Debug, Subcommand)]
pub enum WorkspaceCommand {
    /// Make a workspace.
    Create {
        /// What you call it.
        #[arg(value_parser = name)]
        name: String,
        /// How experiences join it: by their first call with a secret key, or by you only.
        #[arg(long, default_value = "automatic", value_name = "HOW")]
        #[arg(value_parser = one_of::<Linking>(["automatic", "strict"]))]
        linking: Linking,
    },
    /// List all workspaces, oldest first.
    List,
}

/// A workspace as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    guid: String,
    name: String,
    linking: Linking,
    created: String,
}

impl From<&Workspace> for Shown {
    fn from(workspace: &Workspace) -> Self {
        Self {
            guid: workspace.guid.to_string(),
            name: workspace.name.clone(),
            linking: workspace.linking,
            created: rfc3339(workspace.created),
        }
    }
}

impl Record for Shown {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("guid", self.guid.clone()),
            ("name", self.name.clone()),
            ("linking", word(self.linking)),
            ("created", self.created.clone()),
        ]
    }
}

pub async fn run(command: WorkspaceCommand, store: &Store, output: Output) -> Result<()> {
    match command {
        WorkspaceCommand::Create { name, linking } => {
            let ids = std::iter::repeat_with(WorkspaceId::random).take(TRIES);
            let made = create(store, &name, linking, ids).await?;
            output.one(&Shown::from(&made))
        }
        WorkspaceCommand::List => {
            let mut all = store.workspaces().await?;
            all.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
            let shown: Vec<_> = all.iter().map(Shown::from).collect();
            output.list(
                &shown,
                "no workspaces yet: make one with `portcullis workspace create NAME`",
            )
        }
    }
}

/// The workspace with this guid, or an error that says where to find the right one.
pub async fn find(store: &Store, guid: WorkspaceId) -> Result<Workspace> {
    match store.workspace(guid.tag()).await? {
        Some(found) if found.guid == guid => Ok(found),
        _ => bail!("there is no workspace {guid}: `portcullis workspace list` shows all"),
    }
}

/// Makes a workspace under the first of the ids whose tag is free.
async fn create(
    store: &Store,
    name: &str,
    linking: Linking,
    ids: impl Iterator<Item = WorkspaceId>,
) -> Result<Workspace> {
    for guid in ids {
        let now = Moment::now().seconds();
        let workspace = Workspace {
            linking,
            ..Workspace::new(guid, name.to_owned(), now)
        };
        // An id that is taken may be taken by this very call, when the answer to its first try was
        // lost.
        if store.create_workspace(&workspace).await? || find(store, guid).await.is_ok() {
            return Ok(workspace);
        }
    }
    bail!("all ids that were tried are taken: try again")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use local_stack::dynamo::Dynamo;
    use local_stack::engine::Engine;
    use local_stack::template::Template;

    use super::*;
    use crate::cli::Cli;
    use crate::connection;

    #[tokio::test]
    async fn a_taken_tag_is_passed_over() {
        let engine = Engine::start(None, 0).await.unwrap();
        let template =
            Template::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap();
        let dynamo = Dynamo::new(engine.endpoint());
        dynamo.create_tables(template.tables()).await.unwrap();
        let url = engine.endpoint();
        let region = "us-east-1";
        let arguments = [
            "portcullis",
            "--endpoint",
            url,
            "--region",
            region,
            "workspace",
            "list",
        ];
        let cli = Cli::try_parse_from(arguments).unwrap();
        let store = connection::open(&cli.connection).await.unwrap();

        let [first, same_tag, other] = [
            "00000000-0000-4000-8000-000000000001",
            "10000000-0000-4000-8000-000000000001",
            "00000000-0000-4000-8000-000000000002",
        ]
        .map(|guid| guid.parse::<WorkspaceId>().unwrap());
        let make = |name, ids: Vec<_>| {
            let store = &store;
            async move { create(store, name, Linking::Automatic, ids.into_iter()).await }
        };
        assert_eq!(make("first", vec![first]).await.unwrap().guid, first);
        assert!(make("second", vec![same_tag]).await.is_err());
        assert_eq!(
            make("second", vec![same_tag, other]).await.unwrap().guid,
            other
        );
        assert_eq!(find(&store, first).await.unwrap().name, "first");
        // Tried once more with the same id, it is the same workspace.
        assert_eq!(make("first", vec![first]).await.unwrap().guid, first);
    }
}

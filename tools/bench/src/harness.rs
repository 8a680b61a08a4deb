//! Where a function is measured: the embedded engine with the template's tables and a demo workspace,
//! behind fake databases with and without TLS.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use end_to_end::{repository, template};
use local_stack::Endpoints;
use local_stack::discord::{ADA, APPLICATION, GUILD, caller};
use local_stack::dynamo::Dynamo;
use local_stack::engine::Engine;
use local_stack::object_store::ObjectStore;
use local_stack::runtime::{FunctionSpec, Runtime, Timing};
use local_stack::seed::{self, demos};
use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::WorkspaceId;
use shared::domain::members::{DiscordId, Member, MemberId, MemberPermission};
use shared::store::{Store, Tables};
use tempfile::NamedTempFile;

use crate::fake::certificates::{Certificates, HOST};
use crate::fake::database::FakeDatabase;

/// Everything but the function.
pub struct Harness {
    plain: FakeDatabase,
    tls: FakeDatabase,
    pub certificates: Certificates,
    bundle: NamedTempFile,
    objects: ObjectStore,
    _engine: Engine,
}

/// How a function reaches its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Plain,
    /// As on AWS.
    Tls,
}

impl Transport {
    /// Its name in the figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "tls",
        }
    }
}

impl Harness {
    pub async fn start() -> anyhow::Result<Self> {
        let engine = Engine::start(None, 0).await?;
        let database = Dynamo::new(engine.endpoint());
        // No function here reads the stream.
        let mut tables = template().tables().to_vec();
        for table in &mut tables {
            if let Some(create) = table.create.as_object_mut() {
                create.remove("StreamSpecification");
            }
        }
        database.create_tables(&tables).await?;
        let workspaces = tables.iter().find(|t| t.logical_id == "WorkspacesTable");
        let workspaces = workspaces.context("the template's WorkspacesTable")?;
        seed::demo_data(&database, &workspaces.name).await?;
        let name = |id: &str| tables.iter().find(|table| table.logical_id == id);
        let names = Tables {
            bans: name("BansTable").context("a table of bans")?.name.clone(),
            workspaces: workspaces.name.clone(),
        };
        add_moderator(&end_to_end::store(engine.endpoint(), &names)).await?;

        let certificates = Certificates::generate()?;
        let bundle = NamedTempFile::new()?;
        certificates.write_bundle(bundle.path(), &roots()?)?;
        let server = certificates.server.clone();
        Ok(Self {
            plain: FakeDatabase::start(engine.endpoint(), None, None)?,
            tls: FakeDatabase::start(engine.endpoint(), Some(server), None)?,
            certificates,
            bundle,
            objects: ObjectStore::start(None, template().buckets(), &[]).await?,
            _engine: engine,
        })
    }

    /// The database with a transport.
    pub const fn database(&self, transport: Transport) -> &FakeDatabase {
        match transport {
            Transport::Plain => &self.plain,
            Transport::Tls => &self.tls,
        }
    }

    /// A runtime for one process of a binary, in the environment of a function. The process starts with the
    /// first call.
    pub async fn runtime(
        &self,
        binary: &Path,
        function: &str,
        transport: Transport,
    ) -> anyhow::Result<Runtime> {
        let scheme = match transport {
            Transport::Plain => "http://127.0.0.1".to_owned(),
            Transport::Tls => format!("https://{HOST}"),
        };
        let port = self.database(transport).port;
        let database = format!("{scheme}:{port}");
        let endpoints = Endpoints::of_data(&database, self.objects.endpoint());
        let described = template().functions().iter().find(|f| f.name == function);
        let mut environment: BTreeMap<_, _> = described
            .iter()
            .flat_map(|function| function.environment.clone())
            .chain(local_stack::aws_environment(&endpoints))
            .collect();
        let bundle = self.bundle.path().display().to_string();
        environment.insert("AWS_CA_BUNDLE".to_owned(), bundle);
        if function == "discord-interactions" {
            let application = APPLICATION.to_string();
            environment.insert("DISCORD_APPLICATION_ID".to_owned(), application);
            environment.insert("DISCORD_PUBLIC_KEY".to_owned(), caller::public_key()?);
        }
        let spec = FunctionSpec {
            name: function.to_owned(),
            binary: binary.to_owned(),
            instances: 1,
            environment,
            of_instances: Vec::new(),
            timeout: Duration::from_mins(1),
            memory: 256,
        };
        Ok(Runtime::start(vec![spec]).await?)
    }

    /// Makes functions trust an authority that did not sign the database's certificate.
    #[cfg(test)]
    pub fn trust_another_authority(&self) -> anyhow::Result<()> {
        Certificates::generate()?.write_bundle(self.bundle.path(), &roots()?)
    }
}

/// Links the demo's guild, and makes Ada a moderator of its workspace.
async fn add_moderator(store: &Store) -> anyhow::Result<()> {
    let demo: WorkspaceId = demos()[0].guid.parse()?;
    let id = |id| DiscordId::new(id).context("a Discord id");
    let guild = store.link_guild(demo.prefix(), id(GUILD)?, UnixSeconds(0));
    guild
        .await?
        .map_err(|_| anyhow!("the guild is linked elsewhere"))?;
    let ada = Member {
        id: MemberId::random(),
        name: "Ada".parse()?,
        discord: Some(id(ADA)?),
        roblox: None,
        granted: [MemberPermission::ManageBans].into_iter().collect(),
        added: UnixSeconds(0),
        removed: None,
        checked: Vec::new(),
    };
    let added = store.add_member(demo.prefix(), &ada).await?;
    added.map_err(|_| anyhow!("the account has a member"))?;
    Ok(())
}

/// Calls a function once: the answer, and when it happened.
pub async fn call(
    runtime: &Runtime,
    function: &str,
    event: impl Into<Bytes>,
) -> anyhow::Result<(Bytes, Timing)> {
    let answer = runtime.invoke(function, event.into()).await;
    let answer = answer.map_err(|error| anyhow!("{function} failed: {}", error.message))?;
    let timing = runtime.timing(function).context("the times of the call")?;
    Ok((answer, timing))
}

/// The roots that a function trusts on AWS.
fn roots() -> anyhow::Result<String> {
    let file = repository("shared/src/integrations/roots.pem");
    std::fs::read_to_string(&file).with_context(|| file.display().to_string())
}

/// An event from `events/` by its name, such as `is-banned`. One of Discord is signed now.
pub fn event(name: &str) -> anyhow::Result<Vec<u8>> {
    let file = repository(format!("events/{name}.json"));
    let event = std::fs::read(&file).with_context(|| file.display().to_string())?;
    if name != "discord-interactions" {
        return Ok(event);
    }
    let mut event: Value = serde_json::from_slice(&event)?;
    let time = caller::signing_time();
    let body = event
        .get("body")
        .and_then(Value::as_str)
        .context("a body")?;
    let signature = caller::signature(&time, body.as_bytes())?;
    let headers = event
        .get_mut("headers")
        .and_then(Value::as_object_mut)
        .context("headers")?;
    headers.insert("x-signature-ed25519".to_owned(), signature.into());
    headers.insert("x-signature-timestamp".to_owned(), time.into());
    Ok(serde_json::to_vec(&event)?)
}

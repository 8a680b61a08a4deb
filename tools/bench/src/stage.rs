//! Where a function is measured: the embedded engine with the template's tables and a demo
//! workspace, behind stand-ins that answer without TLS and with it.

use std::path::Path;

use anyhow::Context;
use end_to_end::{repository, template};
use local_stack::Endpoints;
use local_stack::dynamo::Dynamo;
use local_stack::engine::Engine;
use local_stack::object_store::ObjectStore;
use local_stack::seed;
use tempfile::NamedTempFile;

use crate::process::Process;
use crate::stand_in::certificates::{Certificates, HOST};
use crate::stand_in::database::DatabaseStandIn;
use crate::stand_in::lambda::RuntimeApi;

/// Everything but the function.
pub struct Stage {
    /// Without TLS.
    pub plain: DatabaseStandIn,
    /// With it.
    pub tls: DatabaseStandIn,
    /// For the bare call.
    pub certificates: Certificates,
    bundle: NamedTempFile,
    objects: ObjectStore,
    _engine: Engine,
}

/// How a function reaches its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Without TLS.
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

impl Stage {
    /// Sets it up.
    pub async fn set_up() -> anyhow::Result<Self> {
        let engine = Engine::start(None, 0).await?;
        let database = Dynamo::new(engine.endpoint());
        // Nobody reads the stream here.
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

        let certificates = Certificates::make()?;
        let bundle = NamedTempFile::new()?;
        certificates.write_bundle(bundle.path(), &roots()?)?;
        let server = certificates.server.clone();
        Ok(Self {
            plain: DatabaseStandIn::start(engine.endpoint(), None)?,
            tls: DatabaseStandIn::start(engine.endpoint(), Some(server))?,
            certificates,
            bundle,
            objects: ObjectStore::start(None, template().buckets()).await?,
            _engine: engine,
        })
    }

    /// The database as it is reached that way.
    pub const fn database(&self, transport: Transport) -> &DatabaseStandIn {
        match transport {
            Transport::Plain => &self.plain,
            Transport::Tls => &self.tls,
        }
    }

    /// Starts a binary that polls this Runtime API, in the environment of a function.
    pub fn start(
        &self,
        binary: &Path,
        function: &str,
        transport: Transport,
        runtime: &RuntimeApi,
    ) -> anyhow::Result<Process> {
        let scheme = match transport {
            Transport::Plain => "http://127.0.0.1".to_owned(),
            Transport::Tls => format!("https://{HOST}"),
        };
        let port = self.database(transport).port;
        let database = format!("{scheme}:{port}");
        let endpoints = Endpoints::of_data(&database, self.objects.endpoint());
        let mut environment = local_stack::aws_environment(&endpoints);
        let described = template().functions().iter().find(|f| f.name == function);
        environment.extend(described.iter().flat_map(|f| f.environment.clone()));
        let bundle = self.bundle.path().display().to_string();
        for (name, value) in [
            ("AWS_CA_BUNDLE", bundle.as_str()),
            ("AWS_LAMBDA_RUNTIME_API", &runtime.address),
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ] {
            environment.push((name.to_owned(), value.to_owned()));
        }
        Process::start(binary, &environment)
    }

    /// From now on functions trust an authority that the database's certificate is not from.
    #[cfg(test)]
    pub fn trust_a_stranger(&self) -> anyhow::Result<()> {
        Certificates::make()?.write_bundle(self.bundle.path(), &roots()?)
    }
}

/// The roots that a function trusts on AWS.
fn roots() -> anyhow::Result<String> {
    let file = repository("shared/src/store/roots.pem");
    std::fs::read_to_string(&file).with_context(|| file.display().to_string())
}

/// The documented event of that name, such as `is-banned`.
pub fn event(name: &str) -> anyhow::Result<Vec<u8>> {
    let file = repository(format!("events/{name}.json"));
    std::fs::read(&file).with_context(|| file.display().to_string())
}

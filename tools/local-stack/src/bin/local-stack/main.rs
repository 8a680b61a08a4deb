//! `make dev`: the whole service on this machine, until Ctrl-C.

mod beside;
mod log;
mod ready;
mod settings;
mod watch;

use std::{os::unix::process::parent_id, path::Path, process::ExitCode, time::Duration};

use beside::Beside;
use local_stack::{
    Error, Result,
    dynamo::Dynamo,
    engine::Engine,
    event_source_mapping::{EventSourceMapping, HttpInvoke, MappingOptions},
    gateway::Gateway,
    http::{self, listen},
    lambda_api::HttpFunctions,
    process::{self, GUARD, Guarded, parent_gone, told_to_stop},
    scheduler::Scheduler,
    seed,
    template::Template,
};
use log::Log;
use settings::Settings;

/// When each schedule first calls its function.
const FIRST_TICK: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == GUARD) {
        return process::guard(arguments).await;
    }
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local-stack: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the stack until a signal, or until a part of it ends.
async fn run() -> Result<()> {
    let parent = parent_id();
    let stop = async {
        tokio::select! {
            () = told_to_stop() => {}
            () = parent_gone(parent) => {}
        }
    };
    tokio::pin!(stop);
    let mut stack = tokio::select! {
        stack = Stack::start() => stack?,
        () = &mut stop => return Ok(()),
    };
    let end = tokio::select! {
        result = stack.serve() => result,
        () = &mut stop => Ok(()),
    };
    stack.functions.stop().await;
    end
}

/// The running stack. The functions must be stopped before the rest is dropped.
struct Stack {
    template: Template,
    gateway: Gateway,
    functions: Guarded,
    log: Log,
    _scheduler: Scheduler,
    _mappings: Vec<EventSourceMapping>,
    beside: Beside,
    _engine: Option<Engine>,
}

impl Stack {
    async fn start() -> Result<Self> {
        let settings = Settings::read()?;
        let template = Template::load_with_console("template.yaml")?;
        let tool = watch::tool()?;
        let (listener, _) = listen(settings.port, "PORT").await?;
        let address = http::address(&listener)?;

        let data = settings.data.as_deref();
        let engine = match settings.database_endpoint {
            Some(_) => None,
            None => Some(Engine::start(data, settings.database_port).await?),
        };
        let endpoint = engine.as_ref().map(Engine::endpoint);
        let endpoint = endpoint
            .or(settings.database_endpoint.as_deref())
            .unwrap_or_default();
        let beside = Beside::start(&settings, &template).await?;

        let dynamo = Dynamo::new(endpoint);
        dynamo.create_tables(template.tables()).await?;
        seed::demo_data(&dynamo, workspaces(&template)?).await?;
        seed::outward_data(&dynamo, workspaces(&template)?, &beside.hook()).await?;
        let api = format!("{address}/api/v1");
        let services = [
            &api,
            beside.roblox.endpoint(),
            beside.secrets.endpoint(),
            beside.objects.endpoint(),
            beside.discord.endpoint(),
        ];
        seed::addresses(&dynamo, workspaces(&template)?, services).await?;

        let variables = beside.environment(endpoint, &address);
        let log = Log::create(settings.verbose)?;
        let port = watch::free_port().await?;
        let functions = watch::start(&tool, &template, &settings, &variables, port, &log)?;
        let watch = format!("http://127.0.0.1:{port}");
        let gateway = Gateway::serve(&template, HttpFunctions::new(&watch, &template), listener)?;
        let mappings = start_mappings(&template, &dynamo, &watch, data)?;
        let call = |function: &str| HttpInvoke::new(&watch, function);
        let scheduler = Scheduler::start(template.schedules(), FIRST_TICK, call);
        Ok(Self {
            template,
            gateway,
            functions,
            log,
            _scheduler: scheduler,
            _mappings: mappings,
            beside,
            _engine: engine,
        })
    }

    /// Announces when everything answers; returns only if the functions end.
    async fn serve(&mut self) -> Result<()> {
        let ready = async {
            let address = self.gateway.address();
            ready::wait(&self.template, address).await;
            ready::announce(address, &self.beside, self.log.path());
            self.gateway.print_requests();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = ready => Ok(()),
            how = self.functions.ended() => {
                Err(Error::Tool(format!("cargo lambda watch ended: {how}")))
            }
        }
    }
}

/// The name of the table with the API keys.
fn workspaces(template: &Template) -> Result<&str> {
    let table = template
        .tables()
        .iter()
        .find(|table| table.logical_id == "WorkspacesTable");
    let missing = || Error::Template("it has no WorkspacesTable".to_owned());
    Ok(&table.ok_or_else(missing)?.name)
}

/// Starts the template's event source mappings.
fn start_mappings(
    template: &Template,
    dynamo: &Dynamo,
    address: &str,
    data: Option<&Path>,
) -> Result<Vec<EventSourceMapping>> {
    let mappings = template.stream_functions().map(|(function, source)| {
        let name = &function.name;
        let options = MappingOptions {
            checkpoint: data.map(|data| data.join(format!("stream-{name}.json"))),
            ..MappingOptions::default()
        };
        let function = HttpInvoke::new(address, name);
        EventSourceMapping::start(dynamo.clone(), source.clone(), function, options)
    });
    mappings.collect()
}

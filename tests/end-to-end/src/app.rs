//! Starts the whole product on this machine for a test.

mod background;
mod clock;
mod inspection;
mod objects;
mod setup;
mod stream;

use std::path::PathBuf;
use std::time::Duration;

use local_stack::Endpoints;
use local_stack::control::Control;
use local_stack::discord::Discord;
use local_stack::dynamo::Dynamo;
use local_stack::engine::Engine;
use local_stack::event_source_mapping::EventSourceMapping;
use local_stack::fault_proxy::FaultProxy;
use local_stack::gateway::Gateway;
use local_stack::http::{self as local_http, Client};
use local_stack::object_store::ObjectStore;
use local_stack::receiver::Receiver;
use local_stack::roblox::{Limits, Roblox};
use local_stack::runtime::{FunctionSpec, Runtime};
use local_stack::secrets::Secrets;
use shared::store::{Linking, Store, Tables, Workspace as Settings};

use crate::call::Call;
use crate::contract::contract;
use crate::eventually::eventually;
use crate::files::template;
use crate::response::ApiResponse;
use crate::workspace::{KeySpec, Workspace};
use clock::MovingClock;
pub use setup::store;
use setup::{binaries, clock_variable, start_discord, tables};

/// A running product on free ports: database, object store, secrets, functions, gateway, stream and
/// a webhook receiver. Dropping it ends all its processes.
///
/// No schedule runs unless a test calls [`TestApp::run_schedule`].
#[derive(Debug)]
pub struct TestApp {
    client: Client,
    // In drop order.
    mappings: Vec<EventSourceMapping>,
    control: Control,
    gateway: Gateway,
    runtime: Runtime,
    receiver: Receiver,
    faults: Option<FaultProxy>,
    secrets: Secrets,
    objects: ObjectStore,
    roblox: Roblox,
    discord: Discord,
    database: Dynamo,
    store: Store,
    tables: Tables,
    engine: Engine,
    clock: Option<MovingClock>,
}

/// Configures a [`TestApp`].
#[derive(Clone, Debug)]
pub struct TestAppBuilder {
    functions: Option<PathBuf>,
    instances: usize,
    clocks: Vec<i64>,
    on_time: Vec<&'static str>,
    variables: Vec<(String, String)>,
    faults: bool,
    mappings: bool,
    stream: bool,
    roblox_window: Option<Duration>,
    moving_clock: bool,
}

impl TestAppBuilder {
    /// How many instances of each function may run at once. The default is 1, so that a second call
    /// is warm; tests of races need more.
    #[must_use]
    pub const fn instances(mut self, instances: usize) -> Self {
        self.instances = instances;
        self
    }

    /// Offsets the clocks of the functions' instances by these milliseconds, in turn.
    #[must_use]
    pub fn clocks(mut self, offsets: &[i64]) -> Self {
        offsets.clone_into(&mut self.clocks);
        self
    }

    /// Keeps the clocks of a function correct despite [`TestAppBuilder::clocks`].
    #[must_use]
    pub fn on_time(mut self, function: &'static str) -> Self {
        self.on_time.push(function);
        self
    }

    /// Sets an environment variable of every function.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets the functions write all metrics.
    #[must_use]
    pub fn full_metrics(self) -> Self {
        self.variable("METRICS_LEVEL", "full")
    }

    /// Puts a proxy between the functions and the database: [`TestApp::faults`]. It enforces the
    /// functions' roles, and the test fails if a function exceeds its role. The test's own reads
    /// and writes bypass it.
    #[must_use]
    pub const fn with_faults(mut self) -> Self {
        self.faults = true;
        self
    }

    /// Runs the functions from a folder such as `target/release` instead of those built with the
    /// test.
    #[must_use]
    pub fn functions(mut self, folder: impl Into<PathBuf>) -> Self {
        self.functions = Some(folder.into());
        self
    }

    /// Shortens the window of Roblox's rate limit, for the fake Roblox and the functions that keep
    /// to it.
    #[must_use]
    pub const fn roblox_window(mut self, window: Duration) -> Self {
        self.roblox_window = Some(window);
        self
    }

    /// Does not read the stream until [`TestApp::start_mappings`].
    #[must_use]
    pub const fn without_mappings(mut self) -> Self {
        self.mappings = false;
        self
    }

    /// Creates the tables without a stream, for tests with thousands of items: the embedded
    /// database examines every stream record on each write. Global decisions then do not propagate.
    #[must_use]
    pub const fn without_stream(mut self) -> Self {
        self.stream = false;
        self.without_mappings()
    }

    pub async fn start(self) -> TestApp {
        let template = template();
        let engine = Engine::start(None, 0).await.expect("the engine");
        let database = Dynamo::new(engine.endpoint());
        let mut wanted = template.tables().to_vec();
        if !self.stream {
            for table in &mut wanted {
                let create = table.create.as_object_mut().expect("an object");
                create.remove("StreamSpecification");
            }
        }
        database.create_tables(&wanted).await.expect("the tables");
        let objects = ObjectStore::start(None, template.buckets(), template.functions())
            .await
            .expect("the bucket");
        let faults = match self.faults {
            true => Some(
                FaultProxy::start(engine.endpoint(), template.functions())
                    .await
                    .expect("the fault proxy"),
            ),
            false => None,
        };
        let reached = faults
            .as_ref()
            .map_or(engine.endpoint(), FaultProxy::endpoint);
        let roblox = Roblox::start(0).await.expect("the stand-in for Roblox");
        let secrets = Secrets::start(0).await.expect("the secrets");
        let receiver = Receiver::start(0, false).expect("the receiver");
        // The functions need to know where to call each other before the gateway exists.
        let (listener, _) = local_http::listen(0, "").await.expect("a free port");
        let lambda = local_http::address(&listener).expect("its address");
        let discord = start_discord(&lambda, &secrets).await;
        let mut variables = local_stack::aws_environment(&Endpoints {
            database: reached,
            objects: objects.endpoint(),
            lambda: &lambda,
            secrets: secrets.endpoint(),
        });
        for (name, endpoint) in [
            ("ROBLOX_API_URL", roblox.endpoint()),
            ("ROBLOX_USERS_URL", roblox.endpoint()),
            ("ROBLOX_GROUPS_URL", roblox.endpoint()),
            ("DISCORD_API_URL", discord.endpoint()),
            ("DISCORD_CDN_URL", discord.endpoint()),
        ] {
            variables.push((name.to_owned(), endpoint.to_owned()));
        }
        if let Some(user_window) = self.roblox_window {
            let millis = user_window.as_millis().to_string();
            variables.push((shared::testing::ROBLOX_WINDOW.to_owned(), millis));
            roblox.set_limits(Limits {
                user_window,
                ..Limits::default()
            });
        }
        variables.extend(self.variables);
        let clock = self.moving_clock.then(MovingClock::new);
        variables.extend(clock.as_ref().map(MovingClock::variable));
        let binaries = self.functions.unwrap_or_else(binaries);
        let mut clocks = self.clocks.iter().cycle();
        let specs = template
            .functions()
            .iter()
            .map(|function| {
                let mut spec = FunctionSpec::of(function, &binaries, self.instances, &variables);
                // The object store knows a function's role by its access key.
                let key = function.name.clone();
                spec.environment.insert("AWS_ACCESS_KEY_ID".to_owned(), key);
                if let Some(proxy) = &faults {
                    let endpoint = proxy.endpoint_of(&function.name);
                    spec.environment
                        .insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), endpoint);
                }
                let wrong = clocks.by_ref().take(self.instances);
                spec.of_instances = wrong.map(|offset| clock_variable(*offset)).collect();
                if self.on_time.contains(&function.name.as_str()) {
                    spec.of_instances.clear();
                }
                spec
            })
            .collect();
        let runtime = Runtime::start(specs)
            .await
            .unwrap_or_else(|e| panic!("{e}: run `cargo build --workspace --bins` or `make test`"));
        let control = Control::start(template, runtime.clone())
            .await
            .expect("the control plane");
        let gateway = Gateway::serve(template, runtime.clone(), listener).expect("the gateway");
        let tables = tables();
        let demo = local_stack::seed::demo_data(&database, &tables.workspaces).await;
        demo.expect("the demo workspaces");
        let store = store(engine.endpoint(), &tables);
        let mut app = TestApp {
            client: Client::new(),
            mappings: Vec::new(),
            control,
            gateway,
            runtime,
            receiver,
            faults,
            secrets,
            objects,
            roblox,
            discord,
            database,
            store,
            tables,
            engine,
            clock,
        };
        if self.mappings {
            app.start_mappings();
        }
        app
    }
}

impl TestApp {
    /// Starts an app with one instance of each function and without faults.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    pub const fn builder() -> TestAppBuilder {
        TestAppBuilder {
            functions: None,
            instances: 1,
            clocks: Vec::new(),
            on_time: Vec::new(),
            variables: Vec::new(),
            faults: false,
            mappings: true,
            stream: true,
            roblox_window: None,
            moving_clock: false,
        }
    }

    /// Creates a workspace with automatic linking and a key with every scope.
    pub async fn workspace(&self) -> Workspace<'_> {
        self.workspace_with(|_| {}).await
    }

    /// Creates a workspace in which only the operator links; see [`Workspace::link`].
    pub async fn strict_workspace(&self) -> Workspace<'_> {
        let strict = |settings: &mut Settings| settings.linking = Linking::Strict;
        self.workspace_with(strict).await
    }

    /// Creates a workspace with other settings and a key with every scope.
    pub async fn workspace_with(&self, change: impl FnOnce(&mut Settings)) -> Workspace<'_> {
        Workspace::open(self, change, KeySpec::default()).await
    }

    /// Sends a request and validates the response against `openapi.yaml`.
    pub async fn send(&self, call: &Call) -> ApiResponse {
        let answer = self.try_send(call).await;
        answer.unwrap_or_else(|e| panic!("{} {}: {e}", call.method, call.path))
    }

    /// Like [`TestApp::send`], for tests in which the connection may fail.
    pub async fn try_send(&self, call: &Call) -> Result<ApiResponse, String> {
        let answer = ApiResponse::new(
            self.client
                .send(call.request(self.gateway.address()))
                .await?,
        );
        if call.checked {
            let problems = contract().problems(call.method.as_str(), &call.path, &answer);
            let problems = problems.join("\n  ");
            assert!(
                problems.is_empty(),
                "{} {} answered what openapi.yaml does not document:\n  {problems}\n{answer}",
                call.method,
                call.path,
            );
        }
        Ok(answer)
    }

    /// Fetches a URL verbatim, such as the link to an export.
    pub async fn fetch(&self, url: &str) -> ApiResponse {
        let request = http::Request::get(url)
            .body(bytes::Bytes::new())
            .expect("a URL");
        ApiResponse::new(self.client.send(request).await.expect("the object store"))
    }

    /// The API's address, such as `http://127.0.0.1:40001`; routes are below `/api/v1`.
    pub fn address(&self) -> &str {
        self.gateway.address()
    }

    /// The functions' processes, to kill, count or read the output of.
    pub const fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Kills the only instance of a function, as Lambda ends an idle environment, and waits for a
    /// new one with empty caches.
    pub async fn replace(&self, function: &str) {
        let starts = self.runtime.starts(function);
        if starts == 0 {
            // Instances start when they are first needed.
            return;
        }
        assert!(self.runtime.kill(function, 0), "no function {function}");
        eventually(&format!("{function} is started again"), async || {
            (self.runtime.starts(function) > starts).then_some(())
        })
        .await;
    }

    /// The proxy between functions and database, if the test asked for one.
    pub fn faults(&self) -> &FaultProxy {
        self.faults
            .as_ref()
            .expect("TestApp::builder().with_faults()")
    }

    /// The embedded database, for access that bypasses its port.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A database client that bypasses the proxy.
    pub const fn database(&self) -> &Dynamo {
        &self.database
    }

    /// A store as the command line uses it, bypassing the proxy.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Another store with its own connections, like another process.
    pub fn another_store(&self) -> Store {
        store(self.engine.endpoint(), &self.tables)
    }

    pub const fn tables(&self) -> &Tables {
        &self.tables
    }
}

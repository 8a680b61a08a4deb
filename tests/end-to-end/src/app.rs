//! The whole product on this machine, started for a test.

mod beside;
mod parts;
mod stream;
mod watching;

use std::path::PathBuf;
use std::time::Duration;

use local_stack::Endpoints;
use local_stack::control::Control;
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

use crate::answer::Answer;
use crate::call::Call;
use crate::contract::contract;
use crate::eventually::eventually;
use crate::files::template;
use crate::workspace::{KeySpec, Workspace};
use parts::{binaries, clock_variable, store, tables};

/// A running product: engine, tables, object store, secrets, functions, gateway and pumps, and a
/// receiver of webhooks, on free ports. It ends, with all its processes, when this is dropped.
///
/// No schedule runs by itself: [`TestApp::run_schedule`].
#[derive(Debug)]
pub struct TestApp {
    client: Client,
    // In the order in which they are to go.
    pumps: Vec<EventSourceMapping>,
    control: Control,
    gateway: Gateway,
    runtime: Runtime,
    receiver: Receiver,
    faults: Option<FaultProxy>,
    secrets: Secrets,
    objects: ObjectStore,
    roblox: Roblox,
    database: Dynamo,
    store: Store,
    tables: Tables,
    engine: Engine,
}

/// How an app is to be started.
#[derive(Clone, Debug)]
pub struct TestAppBuilder {
    functions: Option<PathBuf>,
    instances: usize,
    clocks: Vec<i64>,
    on_time: Vec<&'static str>,
    variables: Vec<(String, String)>,
    faults: bool,
    pump: bool,
    stream: bool,
    roblox_window: Option<Duration>,
}

impl TestAppBuilder {
    /// How many instances of each function may run at once: 1 unless said otherwise, so that a
    /// second call is a warm one. Races want more.
    #[must_use]
    pub const fn instances(mut self, instances: usize) -> Self {
        self.instances = instances;
        self
    }

    /// Sets the clocks of the functions' instances wrong by so many milliseconds, each by another of
    /// these, in turn.
    #[must_use]
    pub fn clocks(mut self, offsets: &[i64]) -> Self {
        offsets.clone_into(&mut self.clocks);
        self
    }

    /// Keeps the clocks of a function's instances right whatever [`TestAppBuilder::clocks`] says.
    #[must_use]
    pub fn on_time(mut self, function: &'static str) -> Self {
        self.on_time.push(function);
        self
    }

    /// Sets a variable in the environment of every function.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts a proxy between the functions and the database: [`TestApp::faults`]. It enforces the
    /// functions' roles, and the test fails if one asks for more. What the test itself reads and writes
    /// does not go through it.
    #[must_use]
    pub const fn with_faults(mut self) -> Self {
        self.faults = true;
        self
    }

    /// Runs the functions of a folder such as `target/release`, instead of those that were built
    /// with the test.
    #[must_use]
    pub fn functions(mut self, folder: impl Into<PathBuf>) -> Self {
        self.functions = Some(folder.into());
        self
    }

    /// Makes the minute shorter in which Roblox takes two changes of a user, for itself and for those
    /// who keep to it.
    #[must_use]
    pub const fn roblox_window(mut self, window: Duration) -> Self {
        self.roblox_window = Some(window);
        self
    }

    /// Leaves the pump off until [`TestApp::start_pump`].
    #[must_use]
    pub const fn without_pump(mut self) -> Self {
        self.pump = false;
        self
    }

    /// Makes the tables without their stream, for a test with thousands of items: the embedded
    /// engine looks at every stream record for each write. Global decisions then stay where they
    /// were made.
    #[must_use]
    pub const fn without_stream(mut self) -> Self {
        self.stream = false;
        self.without_pump()
    }

    /// Starts the app.
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
        let objects = ObjectStore::start(None, template.buckets())
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
        // The functions have to know where they call each other before there is a gateway.
        let (listener, _) = local_http::listen(0, "").await.expect("a free port");
        let lambda = local_http::address(&listener).expect("its address");
        let mut variables = local_stack::aws_environment(&Endpoints {
            database: reached,
            objects: objects.endpoint(),
            lambda: &lambda,
            secrets: secrets.endpoint(),
        });
        variables.push(("ROBLOX_API_URL".to_owned(), roblox.endpoint().to_owned()));
        if let Some(user_window) = self.roblox_window {
            let millis = user_window.as_millis().to_string();
            variables.push((shared::testing::ROBLOX_WINDOW.to_owned(), millis));
            roblox.set_limits(Limits {
                user_window,
                ..Limits::default()
            });
        }
        variables.extend(self.variables);
        let binaries = self.functions.unwrap_or_else(binaries);
        let mut clocks = self.clocks.iter().cycle();
        let specs = template
            .functions()
            .iter()
            .map(|function| {
                let mut spec = FunctionSpec::of(function, &binaries, self.instances, &variables);
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
            pumps: Vec::new(),
            control,
            gateway,
            runtime,
            receiver,
            faults,
            secrets,
            objects,
            roblox,
            database,
            store,
            tables,
            engine,
        };
        if self.pump {
            app.start_pump();
        }
        app
    }
}

impl TestApp {
    /// Starts an app with one instance of each function and no faults.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// An app to be started otherwise.
    pub const fn builder() -> TestAppBuilder {
        TestAppBuilder {
            functions: None,
            instances: 1,
            clocks: Vec::new(),
            on_time: Vec::new(),
            variables: Vec::new(),
            faults: false,
            pump: true,
            stream: true,
            roblox_window: None,
        }
    }

    /// A fresh workspace that links experiences by itself, with a key that has every scope.
    pub async fn workspace(&self) -> Workspace<'_> {
        self.workspace_with(|_| {}).await
    }

    /// A fresh workspace in which only the operator links; see [`Workspace::link`].
    pub async fn strict_workspace(&self) -> Workspace<'_> {
        let strict = |settings: &mut Settings| settings.linking = Linking::Strict;
        self.workspace_with(strict).await
    }

    /// A fresh workspace with other settings, with a key that has every scope.
    pub async fn workspace_with(&self, change: impl FnOnce(&mut Settings)) -> Workspace<'_> {
        Workspace::open(self, change, KeySpec::default()).await
    }

    /// Sends a request and holds the answer against `openapi.yaml`.
    pub async fn send(&self, call: &Call) -> Answer {
        let answer = self.try_send(call).await;
        answer.unwrap_or_else(|e| panic!("{} {}: {e}", call.method, call.path))
    }

    /// Like [`TestApp::send`], for a test that expects the connection to fail.
    pub async fn try_send(&self, call: &Call) -> Result<Answer, String> {
        let answer = Answer::new(
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

    /// Fetches a URL as it is, such as the link to an export.
    pub async fn fetch(&self, url: &str) -> Answer {
        let request = http::Request::get(url)
            .body(bytes::Bytes::new())
            .expect("a URL");
        Answer::new(self.client.send(request).await.expect("the object store"))
    }

    /// Where the API listens, such as `http://127.0.0.1:40001`; routes are below `/api/v1`.
    pub fn address(&self) -> &str {
        self.gateway.address()
    }

    /// The functions' processes: kill them, count them, read their output.
    pub const fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Kills the one instance of a function, as the platform does with an idle environment, and waits
    /// until another has taken its place: it knows nothing of what the first remembered.
    pub async fn replace(&self, function: &str) {
        let starts = self.runtime.starts(function);
        if starts == 0 {
            // Instances are started when they are first needed.
            return;
        }
        assert!(self.runtime.kill(function, 0), "no function {function}");
        eventually(&format!("{function} is started again"), async || {
            (self.runtime.starts(function) > starts).then_some(())
        })
        .await;
    }

    /// The proxy between functions and database, if it was asked for.
    pub fn faults(&self) -> &FaultProxy {
        self.faults
            .as_ref()
            .expect("TestApp::builder().with_faults()")
    }

    /// The engine behind the database, for what does not go through its port.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The database, not through the proxy.
    pub const fn database(&self) -> &Dynamo {
        &self.database
    }

    /// Storage as the operator's command uses it, not through the proxy.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The same with connections of its own, as another process has it.
    pub fn another_store(&self) -> Store {
        store(self.engine.endpoint(), &self.tables)
    }

    /// What the tables are called.
    pub const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The stand-in for Roblox.
    pub const fn roblox(&self) -> &Roblox {
        &self.roblox
    }

    /// Where the object store listens.
    pub fn objects(&self) -> &str {
        self.objects.endpoint()
    }
}

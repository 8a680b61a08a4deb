//! The embedded DynamoDB: `dynoxide` on a local port, with its data in memory or in a file.

use std::{fmt, path::Path, thread::JoinHandle};

use dynoxide::{Database, DynoxideError, ImportOptions, Item, server};
use serde_json::Value;
use tokio::{runtime, sync::oneshot};

use crate::{Error, Result, http};

/// A running engine; it stops when this is dropped.
#[derive(Debug)]
pub struct Engine {
    endpoint: String,
    database: Data,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Access to the data past the engine's port.
struct Data(Database);

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Data")
    }
}

impl Engine {
    /// Starts an engine without tables on a port (0: any free one), with its data in `folder` or in memory.
    pub async fn start(folder: Option<&Path>, port: u16) -> Result<Self> {
        let database = open(folder)?;
        let (listener, port) = http::listen(port, "DYNAMODB_PORT").await?;
        let listener = listener
            .into_std()
            .map_err(Error::network("handing over a listener"))?;

        // Each operation blocks its thread, so the engine has its own threads.
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("dynamodb")
            .enable_all()
            .build()
            .map_err(Error::network("starting the database's threads"))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let data = Data(database.clone());
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                    return;
                };
                tokio::select! {
                    () = server::serve_on(listener, database) => {}
                    _ = stopped => {}
                }
            });
        });
        let endpoint = format!("http://127.0.0.1:{port}");
        Ok(Self {
            endpoint,
            database: data,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Writes items into a table in one transaction and without stream records, for tables too large to fill
    /// through the API. It blocks.
    pub fn import(&self, table: &str, items: Vec<Value>) -> Result<()> {
        let items: Vec<Item> = serde_json::from_value(Value::Array(items))
            .map_err(|e| Error::Tool(format!("items to import: {e}")))?;
        let imported = (self.database.0).import_items(table, items, ImportOptions::default());
        imported.map(drop).map_err(broken)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        // The thread closes the file and writes its journal before it ends.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn broken(error: DynoxideError) -> Error {
    Error::Tool(format!("the database: {error}"))
}

fn open(folder: Option<&Path>) -> Result<Database> {
    let Some(folder) = folder else {
        return Database::memory().map_err(broken);
    };
    std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    Database::new(&folder.join("dynamodb.sqlite").to_string_lossy()).map_err(broken)
}

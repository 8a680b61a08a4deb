//! Reads the table's stream, turns decisions into events, and invokes the workers that pass them
//! on.

mod handler;
mod mirror;
mod plan;

use lambda_http::Error;
use shared::api::App;
use shared::integrations::invoker::WorkerInvoker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let invoker = &WorkerInvoker::from_environment(app.config());
    app.handle("publish-events", |invocation, event| {
        handler::handle(invocation, event, invoker)
    })
    .await
}

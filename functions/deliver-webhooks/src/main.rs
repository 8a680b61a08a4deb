//! Delivers events to webhook endpoints: invoked for an endpoint that has something due, and every
//! minute for lost invocations and ended back-offs.

mod attempt;
mod batch;
mod drain;
mod handler;
mod sweep;
mod tally;

use lambda_http::Error;
use shared::api::App;
use shared::domain::webhooks::AddressPolicy;
use shared::integrations::http_client::PublicHttpClient;
use shared::integrations::invoker::WorkerInvoker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let invoker = &WorkerInvoker::from_environment(app.config()).for_own_deliveries();
    let outbound = &PublicHttpClient::new(AddressPolicy::from_environment())?;
    app.handle("deliver-webhooks", |invocation, order| {
        handler::handle(invocation, order, outbound, invoker)
    })
    .await
}

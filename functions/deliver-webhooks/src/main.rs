//! Delivers events to webhook endpoints: woken when an endpoint has something due, and each minute for lost
//! wakes and retries.

mod attempt;
mod batch;
mod discord;
mod drain;
mod handler;
mod signed;
mod stats;
mod sweep;

use lambda_http::Error;
use shared::api::App;
use shared::domain::webhooks::AddressPolicy;
use shared::integrations::http_client::PublicHttpClient;
use shared::integrations::invoker::WorkerInvoker;

use crate::drain::Outbound;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let invoker = &WorkerInvoker::from_environment(app.config()).for_own_deliveries();
    let outbound = &Outbound {
        client: PublicHttpClient::new(AddressPolicy::from_environment())?,
        discord: shared::integrations::discord::address(),
    };
    app.handle("deliver-webhooks", |invocation, request| {
        handler::handle(invocation, request, outbound, invoker)
    })
    .await
}

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
use shared::integrations::http_client::{Outbound, Reach};
use shared::integrations::invoker::Waker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let waker = &Waker::from_environment(app.config()).delivering_itself();
    let outbound = &Outbound::new(Reach::from_environment())?;
    app.handle("deliver-webhooks", |invocation, order| {
        handler::handle(invocation, order, outbound, waker)
    })
    .await
}

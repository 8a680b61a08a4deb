//! Builds the snapshots of the banned users: those that are due, or one that has become old by many
//! events.

mod handler;

use lambda_http::Error;
use shared::api::App;

use crate::handler::BuildClients;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let clients = &BuildClients::from_environment(&app)?;
    app.handle("build-snapshots", |invocation, request| {
        handler::handle(invocation, request, clients)
    })
    .await
}

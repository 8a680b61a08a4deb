//! Mirrors decisions to Roblox's own ban list: one universe per invocation, in the order of the
//! decisions, as fast as Roblox allows.

mod apply;
mod drain;
mod handler;
mod keys;
mod kick;
mod limits;
mod stats;
mod sweep;
mod universe;
mod user;

use lambda_http::Error;
use shared::api::App;

use crate::handler::Clients;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let clients = &Clients::from_environment(&app)?;
    app.handle("mirror-bans", |invocation, request| {
        handler::handle(invocation, request, clients)
    })
    .await
}

//! Mirrors what is decided to Roblox's own list of bans: one universe at a time, in the order in
//! which it was decided, as fast as Roblox takes it.

mod drain;
mod handler;
mod keys;
mod pace;
mod sweep;
mod tally;
mod universe;
mod user;

use lambda_http::Error;
use shared::api::App;

use crate::handler::Mirror;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let mirror = &Mirror::from_environment(&app)?;
    app.handle("enforce-bans", |invocation, event| {
        handler::handle(invocation, event, mirror)
    })
    .await
}

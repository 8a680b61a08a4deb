//! `POST /discord/interactions`: commands, buttons and forms on Discord.

mod handler;

use lambda_http::Error;
use shared::api::App;
use shared::integrations::invoker::WorkerInvoker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let application = std::env::var("DISCORD_APPLICATION_ID").unwrap_or_default();
    let application = application.parse()?;
    let invoker = &WorkerInvoker::from_environment(app.config());
    app.serve("discord-interactions", |signed, request, store| {
        handler::handle(signed, request, store, application, invoker)
    })
    .await
}

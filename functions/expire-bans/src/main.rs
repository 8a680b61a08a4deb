//! Each minute: makes events of bans that have run out.

mod handler;

use lambda_http::Error;
use lambda_http::lambda_runtime::{LambdaEvent, run, service_fn};
use serde::de::IgnoredAny;
use shared::http::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let (store, environment) = (app.store(), &app.ready());
    run(service_fn(move |event: LambdaEvent<IgnoredAny>| {
        handler::handle(event.context, store.clone(), environment)
    }))
    .await
}

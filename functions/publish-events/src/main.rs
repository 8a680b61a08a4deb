//! Fed by the table's stream: makes events of decisions, and wakes those who carry them further.

mod handler;
mod mirror;
mod plan;

use lambda_http::Error;
use lambda_http::lambda_runtime::{LambdaEvent, run, service_fn};
use shared::http::App;
use shared::stream::StreamEvent;
use shared::wake::Waker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let waker = &Waker::from_environment(app.config());
    let (store, environment) = (app.store(), &app.ready());
    run(service_fn(move |event: LambdaEvent<StreamEvent>| {
        handler::handle(event, store.clone(), waker, environment)
    }))
    .await
}

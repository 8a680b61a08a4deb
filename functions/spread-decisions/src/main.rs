//! Fed by the table's stream: brings Global decisions to every linked experience, and the standing
//! ones to a newly linked one.

mod handler;

use lambda_http::Error;
use lambda_http::lambda_runtime::{LambdaEvent, run, service_fn};
use shared::http::App;
use shared::stream::StreamEvent;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let (store, environment) = (app.store(), &app.ready());
    run(service_fn(move |event: LambdaEvent<StreamEvent>| {
        handler::handle(event, store.clone(), environment)
    }))
    .await
}

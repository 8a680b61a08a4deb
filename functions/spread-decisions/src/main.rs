//! Fed by the table's stream: brings Global decisions to every linked experience, and the standing
//! ones to a newly linked one.

mod handler;

use lambda_http::Error;
use shared::http::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    App::from_environment()?
        .handle("spread-decisions", handler::handle)
        .await
}

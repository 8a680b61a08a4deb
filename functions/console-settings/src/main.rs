//! `/console/settings`, `/console/experiences` and `/console/undo`: the pages for administrators.

use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    console_pages::administration::serve().await
}

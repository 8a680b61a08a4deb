//! The gateway's default route: an unknown path or method is answered in the API's own JSON.

use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::http::serve_unknown_routes("not-found").await
}

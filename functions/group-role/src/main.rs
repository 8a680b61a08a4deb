//! `PATCH /api/v1/group-role`: changes the role of a member of a Roblox group.

mod apply;
mod failure;
mod groups;
mod handler;
mod record;
mod request;

use lambda_http::Error;
use shared::api::App;

use crate::groups::Groups;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = App::from_environment()?;
    let groups = &Groups::from_environment(&app)?;
    app.serve("group-role", |caller, request, store| {
        handler::handle(caller, request, store, groups)
    })
    .await
}

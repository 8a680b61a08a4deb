//! Runs a command against the whole product on this machine and exits with the command's status.
//!
//! `on-the-stack COMMAND [ARGUMENT…]` starts what the end-to-end tests start, creates a workspace
//! with some bans, and passes its location in the environment:
//!
//! | variable | holds |
//! |---|---|
//! | `PORTCULLIS_URL` | where the API listens, such as `http://127.0.0.1:40001` |
//! | `PORTCULLIS_SECRET_KEY` | a key with every scope |
//! | `PORTCULLIS_PUBLIC_KEY` | a public key of the same workspace |
//! | `PORTCULLIS_WEBHOOK_SECRET` | the secret that signs Roblox notifications |
//! | `AWS_ENDPOINT_URL_DYNAMODB` | the database, for the command |

use std::process::{Command, ExitCode};

use end_to_end::{Ban, TestApp, Unban, Workspace};
use local_stack::roblox::{Group, Key};
use shared::store::ErasureMode;

/// The experience of the workspace's bans.
const EXPERIENCE: u64 = 75_521_396_999_004;

/// The owner of the group's key, whose rank no call may change: no id that the schema tests choose.
const BOT: u64 = 8_123_456_789;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: on-the-stack COMMAND [ARGUMENT…]");
        return ExitCode::FAILURE;
    };
    let app = TestApp::builder().instances(2).start().await;
    let workspace = app.workspace().await;
    let webhook = workspace.take_in_erasures(ErasureMode::Erase).await;
    fill(&workspace).await;
    allow_group(&workspace).await;
    app.settle().await;

    let mut command = Command::new(&program);
    command
        .args(arguments)
        .env("PORTCULLIS_URL", app.address())
        .env("PORTCULLIS_SECRET_KEY", workspace.secret_key())
        .env("PORTCULLIS_PUBLIC_KEY", workspace.public_key())
        .env("PORTCULLIS_WEBHOOK_SECRET", webhook)
        .env("AWS_ENDPOINT_URL_DYNAMODB", app.database().endpoint());
    let ended = tokio::task::spawn_blocking(move || command.status()).await;
    match ended.expect("the thread that waits") {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => {
            eprintln!("on-the-stack: the command ended with {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("on-the-stack: {}: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}

/// Bans of every kind, so that lists, polls and exports have entries.
async fn fill(workspace: &Workspace<'_>) {
    for user in 1..=3 {
        workspace
            .ban(Ban::of(user, EXPERIENCE).permanent().applied())
            .await;
    }
    workspace.unban(Unban::of(3, EXPERIENCE)).await;
    workspace
        .ban(Ban::of(4, EXPERIENCE).permanent().global())
        .await;
    workspace.ban(Ban::of(156, EXPERIENCE).length("7d")).await;
}

/// Group 7, in which user 156 may get ranks 10 and 20.
async fn allow_group(workspace: &Workspace<'_>) {
    let (app, secret) = (workspace.app(), "portcullis/local/ranks");
    app.secrets().set(secret, "a key");
    let mut key = Key::new(&[]);
    key.owner = BOT;
    app.roblox().set_key("a key", key);
    let roles = [(101, 1), (110, 10), (120, 20), (250, 250)];
    let group = Group::new(&roles).with(BOT, &[101, 250]).with(156, &[101]);
    app.roblox().set_group(7, group);
    workspace.allow_group(7, secret, |_| {}).await;
}

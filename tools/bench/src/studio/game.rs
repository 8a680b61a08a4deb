//! A game in virtual time, whose servers call the API on the local stack.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use end_to_end::{
    AppNetwork, Call, PUBLISHED_SDK, PUBLISHED_SDK_LOOP, TestApp, Workspace, repository,
};
use roblox_engine::mlua::Table;
use roblox_engine::{Server, Universe};
use tokio::task::block_in_place;

use crate::dataset::Dataset;

pub const PLACE: u64 = 75_521_396_999_004;

/// How far the ids of banned users are apart: 100,000 of eight billion accounts.
const SPREAD: u64 = 80_000;

/// Bans that a page of the pending lists has for the published SDK: the most that the API gives.
const PAGE_SIZE: u64 = 100;

/// What game servers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Module,
    PublishedSdk,
}

/// A game with its workspace.
#[derive(Debug)]
pub struct Game<'a> {
    pub app: &'a Arc<TestApp>,
    pub workspace: Workspace<'a>,
    pub universe: Universe,
    pub dataset: Dataset,
    script: Script,
}

impl<'a> Game<'a> {
    /// A game whose workspace has this many banned users.
    pub async fn new(app: &'a Arc<TestApp>, script: Script, banned: u64) -> anyhow::Result<Self> {
        let workspace = app.workspace().await;
        let dataset = Dataset::create(&workspace, PLACE).await?.spread(SPREAD);
        block_in_place(|| dataset.fill(app, 0..banned))?;
        app.settle().await;
        let universe = Universe::new(1, AppNetwork::new(app).settling());
        universe.set_secret("portcullis", workspace.secret_key(), "127.0.0.1");
        let game = Self {
            app,
            workspace,
            universe,
            dataset,
            script,
        };
        if script == Script::Module {
            game.clock();
            let ordered = game.workspace.send(Call::get("/snapshot")).await;
            ordered.assert_error(503, "unavailable");
        }
        game.schedules().await;
        Ok(game)
    }

    /// Starts a server that runs the script.
    pub fn start(&self) -> anyhow::Result<Server> {
        let server = self.universe.start(PLACE);
        let run = || match self.script {
            Script::Module => {
                let options = server.lua().create_table()?;
                options.set("url", self.app.address())?;
                let file = repository("tools/bench/src/studio/server.luau");
                server.run_file(&file, options);
                Ok(())
            }
            Script::PublishedSdk => {
                let entry = format!("{}/api/v1", self.app.address());
                let arguments = (entry, self.workspace.secret_key(), PAGE_SIZE);
                let script = server.run_with("published_sdk", PUBLISHED_SDK, arguments);
                server.run_with("loop", PUBLISHED_SDK_LOOP, script.wait::<Table>());
                Ok(())
            }
        };
        let done: roblox_engine::mlua::Result<()> = run();
        done.map_err(|error| anyhow!("{error}"))?;
        Ok(server)
    }

    /// Lets users play in servers that do not run here, which raises the limits of `MemoryStore`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some thousands"
    )]
    pub fn play_beside(&self, users: f64) {
        self.universe.memory().set_users_elsewhere(users as u64);
    }

    /// Sets the functions' clock to virtual time.
    pub fn clock(&self) {
        self.app.set_clock(self.universe.now());
    }

    /// What runs each minute: a tick comes through the stream, and snapshots that are due are built.
    pub async fn schedules(&self) {
        self.clock();
        self.app.run_schedule("expire-bans", "EachMinute").await;
        self.app.settle().await;
        self.app.run_schedule("build-snapshots", "EachMinute").await;
        self.app.background_settled().await;
    }

    /// Lets virtual time pass up to a moment.
    pub fn run_until(&self, at: Duration) {
        let left = at.saturating_sub(self.universe.elapsed());
        self.universe.run_for(left);
    }

    /// Fails if a script has raised anything.
    pub fn check_scripts(&self) -> anyhow::Result<()> {
        match self.universe.errors().into_iter().next() {
            Some(error) => Err(anyhow!(error)).context("a script raised"),
            None => Ok(()),
        }
    }
}

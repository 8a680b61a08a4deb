//! A workspace with mirrored experiences.

use std::time::Duration;

use end_to_end::audit::audit;
use end_to_end::{TestApp, TestAppBuilder, Workspace, roblox_contract};
use local_stack::roblox::{Restriction, Roblox};
use serde_json::{Value, json};
use shared::domain::ids::ExperienceId;
use shared::store::MirrorOptions;

/// A universe and three of its places.
pub const UNIVERSE: u64 = 7;
pub const ARENA: u64 = 7_001;
pub const BEACH: u64 = 7_002;
pub const CASTLE: u64 = 7_003;

pub const MALLORY: u64 = 1_001;

/// The name of the key's secret, and the key.
pub const SECRET: &str = "portcullis/local/demo";
pub const KEY: &str = "key-of-portcullis/local/demo";

/// A rate limit window short enough for a test.
pub const WINDOW: Duration = Duration::from_millis(1_200);

/// An app with Roblox's real rate limit window, in which decisions propagate only when a test says
/// so.
pub fn app() -> TestAppBuilder {
    TestApp::builder().with_faults()
}

pub struct MirroredWorkspace<'a> {
    pub workspace: Workspace<'a>,
}

impl<'a> MirroredWorkspace<'a> {
    /// A workspace whose places are linked and mirrored with one key, without wake-ups: the mirror
    /// runs when the test calls it.
    pub async fn open(app: &'a TestApp, places: &[u64]) -> Self {
        app.lose_background_calls(true);
        Self::with_wake_ups(app, places).await
    }

    /// The same with wake-ups.
    pub async fn with_wake_ups(app: &'a TestApp, places: &[u64]) -> Self {
        let workspace = app.workspace().await;
        app.roblox().add_key(KEY, &[UNIVERSE]);
        app.secrets().set(SECRET, KEY);
        let mirrored = Self { workspace };
        for place in places {
            mirrored.workspace.link(*place).await;
            app.roblox().add_place(*place, UNIVERSE);
            mirrored.mirror(*place, SECRET, MirrorOptions::ALL).await;
        }
        mirrored
    }

    /// Mirrors an experience.
    pub async fn mirror(&self, place: u64, secret: &str, mirror: MirrorOptions) {
        let workspace = &self.workspace;
        workspace.set_mirror(place, UNIVERSE, secret, mirror).await;
    }

    /// The status that stopped a place's mirror, if any.
    pub async fn stopped(&self, place: u64) -> Option<u16> {
        let prefix = self.workspace.id().prefix();
        let place = ExperienceId::new(place).unwrap();
        let found = self.app().store().mirror(prefix, place).await.unwrap();
        found
            .unwrap()
            .settings
            .stopped
            .map(|stopped| stopped.status)
    }

    pub fn app(&self) -> &'a TestApp {
        self.workspace.app()
    }

    pub fn roblox(&self) -> &'a Roblox {
        self.app().roblox()
    }

    /// Mirrors everything pending in the universe.
    pub async fn drain(&self) {
        self.try_drain().await.unwrap();
    }

    /// Like [`Self::drain`], for a test that may kill it.
    pub async fn try_drain(&self) -> Result<(), String> {
        let event = json!({ "workspace": self.workspace.prefix(), "universe": UNIVERSE });
        self.run(&event).await
    }

    /// Invokes the function.
    pub async fn run(&self, event: &Value) -> Result<(), String> {
        self.app().invoke("mirror-bans", event).await.map(drop)
    }

    /// The log line of the last invocation.
    pub fn line(&self) -> Value {
        let lines = self.app().runtime().logs("mirror-bans");
        lines.last().and_then(|line| line.json()).expect("a line")
    }

    /// The universe's restriction of a user.
    pub fn restriction(&self, user: u64) -> Restriction {
        self.roblox().restriction(UNIVERSE, None, user)
    }

    /// Asserts that nothing is pending, no rate limit was exceeded, and the stored items are
    /// consistent.
    pub async fn assert_all_applied(&self, places: &[u64]) {
        for place in places {
            let bans = self.workspace.pending_bans(*place).await;
            assert!(bans.is_empty(), "{place} has pending bans: {bans:?}");
            let unbans = self.workspace.pending_unbans(*place).await;
            assert!(unbans.is_empty(), "{place} has pending unbans: {unbans:?}");
        }
        assert_eq!(self.roblox().violations(), []);
        for exchange in self.roblox().exchanges() {
            let problems = roblox_contract().problems(&exchange);
            assert_eq!(problems, Vec::<String>::new(), "{exchange:?}");
        }
        audit(&self.workspace).await;
    }

    /// Lets another mirror take over after a kill: ends the lease and makes the remaining changes
    /// due.
    pub async fn recover_from_crash(&self) {
        let (app, prefix) = (self.app(), self.workspace.prefix());
        for item in app.items(&format!("{prefix}#")).await {
            let change = match item["kind"]["S"].as_str().unwrap_or_default() {
                "lease" => "REMOVE held_until, paused_until",
                "application" if item.get("due_at").is_some() => "SET due_at = :zero",
                _ => continue,
            };
            let values = match change.contains(":zero") {
                true => json!({ ":zero": { "N": "0" } }),
                false => Value::Null,
            };
            app.update_item(&item, change, &values).await;
        }
    }
}

//! A workspace whose experiences are mirrored, and what a test does with it.

use std::time::Duration;

use end_to_end::audit::audit;
use end_to_end::{TestApp, TestAppBuilder, Workspace};
use local_stack::roblox::{Restriction, Roblox};
use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, UniverseId};
use shared::store::{Mirror, MirrorOptions, MirrorSettings};

/// A universe and three of its places.
pub const UNIVERSE: u64 = 7;
pub const ARENA: u64 = 7_001;
pub const BEACH: u64 = 7_002;
pub const CASTLE: u64 = 7_003;

pub const MALLORY: u64 = 1_001;

/// The name under which the key is kept, and the key.
pub const SECRET: &str = "portcullis/local/demo";
pub const KEY: &str = "key-of-portcullis/local/demo";

/// A minute of Roblox that a test can wait for.
pub const WINDOW: Duration = Duration::from_millis(1_200);

/// An app in which Roblox's minute is the documented one, and no decision is brought anywhere until
/// a test does so.
pub fn app() -> TestAppBuilder {
    TestApp::builder().with_faults()
}

/// The workspace of a test, with Roblox behind it.
pub struct Stage<'a> {
    pub workspace: Workspace<'a>,
}

impl<'a> Stage<'a> {
    /// A workspace whose places are linked and mirrored with one key, in an app in which nobody is
    /// woken: the mirror works when the test calls it.
    pub async fn open(app: &'a TestApp, places: &[u64]) -> Self {
        app.lose_background_calls(true);
        Self::awake(app, places).await
    }

    /// The same, and whoever is called in the background comes.
    pub async fn awake(app: &'a TestApp, places: &[u64]) -> Self {
        let workspace = app.workspace().await;
        app.roblox().add_key(KEY, &[UNIVERSE]);
        app.secrets().set(SECRET, KEY);
        let stage = Self { workspace };
        for place in places {
            stage.workspace.link(*place).await;
            app.roblox().add_place(*place, UNIVERSE);
            stage.mirror(*place, SECRET, MirrorOptions::ALL).await;
        }
        stage
    }

    /// Mirrors an experience.
    pub async fn mirror(&self, place: u64, secret: &str, options: MirrorOptions) {
        let mirror = Mirror {
            workspace: self.workspace.id().prefix(),
            experience: ExperienceId::new(place).unwrap(),
            settings: MirrorSettings {
                universe: UniverseId::new(UNIVERSE).unwrap(),
                secret: secret.to_owned(),
                options,
                created: UnixSeconds(end_to_end::now()),
                stopped: None,
                checked: None,
            },
        };
        let set = self.app().store().set_mirror(&mirror).await;
        set.unwrap();
    }

    /// Why a place's mirror is stopped, if it is.
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

    /// Carries over what the universe owes.
    pub async fn drain(&self) {
        self.try_drain().await.unwrap();
    }

    /// The same, which a test may cut short.
    pub async fn try_drain(&self) -> Result<(), String> {
        let event = json!({ "workspace": self.workspace.prefix(), "universe": UNIVERSE });
        self.run(&event).await
    }

    /// Calls the function.
    pub async fn run(&self, event: &Value) -> Result<(), String> {
        let call = self
            .app()
            .runtime()
            .invoke("mirror-bans", event.to_string().into());
        call.await.map(drop).map_err(|error| error.message)
    }

    /// The line of the last call.
    pub fn line(&self) -> Value {
        let lines = self.app().runtime().logs("mirror-bans");
        lines.last().and_then(|line| line.json()).expect("a line")
    }

    /// What the universe's restriction of a user is.
    pub fn restriction(&self, user: u64) -> Restriction {
        self.roblox().restriction(UNIVERSE, None, user)
    }

    /// Fails if anything is pending anywhere, a limit was not kept, or what is stored is not sound.
    pub async fn assert_done(&self, places: &[u64]) {
        for place in places {
            let bans = self.workspace.pending_bans(*place).await;
            assert!(bans.is_empty(), "{place} owes bans: {bans:?}");
            let unbans = self.workspace.pending_unbans(*place).await;
            assert!(unbans.is_empty(), "{place} owes unbans: {unbans:?}");
        }
        assert_eq!(self.roblox().violations(), []);
        audit(&self.workspace).await;
    }

    /// Brings about that a mirror which was killed can be followed by another: its lease has passed,
    /// and what it left is looked at again.
    pub async fn after_a_crash(&self) {
        let (app, prefix) = (self.app(), self.workspace.prefix());
        for item in app.items(&format!("{prefix}#")).await {
            let change = match item["kind"]["S"].as_str().unwrap_or_default() {
                "lease" => "REMOVE held_until, paused_until",
                "application" if item.get("due_at").is_some() => "SET due_at = :zero",
                _ => continue,
            };
            let mut input = json!({
                "TableName": app.tables().bans,
                "Key": { "pk": item["pk"], "sk": item["sk"] },
                "UpdateExpression": change,
            });
            if change.contains(":zero") {
                input["ExpressionAttributeValues"] = json!({ ":zero": { "N": "0" } });
            }
            app.database().call("UpdateItem", &input).await.unwrap();
        }
    }
}

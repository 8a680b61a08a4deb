//! A workspace with a group in which it may change ranks.

use std::time::Duration;

use end_to_end::{ApiResponse, Call, TestApp, Workspace, roblox_contract};
use local_stack::roblox::{Group, Key, Roblox};
use serde_json::{Value, json};
use shared::domain::ids::UserId;
use shared::domain::rules::group_roles::RolePolicy;

pub const GROUP: u64 = 7;

/// The owner of the Open Cloud key, who ranks at 250.
pub const BOT: u64 = 50;

/// A member with the base role, one with three roles, one at the ceiling, and a stranger.
pub const MEMBER: u64 = 156;
pub const VETERAN: u64 = 157;
pub const ADMIN: u64 = 158;
pub const STRANGER: u64 = 159;

pub const SECRET: &str = "portcullis/local/ranks";
pub const KEY: &str = "key-of-portcullis/local/ranks";

/// The roles by id and rank. Two have rank 1, two rank 20, and the list takes two pages.
fn group() -> Group {
    let mut roles = vec![
        (100, 0),
        (101, 1),
        (102, 1),
        (110, 10),
        (120, 20),
        (121, 20),
        (200, 200),
        (250, 250),
        (255, 255),
    ];
    roles.extend((30..50).map(|rank| (1000 + rank, rank)));
    Group::new(&roles)
        .with(BOT, &[101, 250])
        .with(MEMBER, &[101])
        .with(VETERAN, &[101, 120, 121])
        .with(ADMIN, &[101, 200])
}

pub struct GroupWorkspace<'a> {
    pub workspace: Workspace<'a>,
}

impl<'a> GroupWorkspace<'a> {
    pub async fn open(app: &'a TestApp) -> Self {
        Self::with(app, |_| {}).await
    }

    /// The same with another policy.
    pub async fn with(app: &'a TestApp, change: impl FnOnce(&mut RolePolicy)) -> Self {
        app.secrets().set(SECRET, KEY);
        let mut key = Key::new(&[]);
        key.owner = BOT;
        app.roblox().set_key(KEY, key);
        app.roblox().set_group(GROUP, group());
        let workspace = app.workspace().await;
        workspace
            .allow_group(GROUP, SECRET, |settings| {
                settings.owner = UserId::new(BOT);
                change(&mut settings.policy);
            })
            .await;
        Self { workspace }
    }

    pub fn roblox(&self) -> &'a Roblox {
        self.workspace.app().roblox()
    }

    /// Sends the call with a secret key.
    pub async fn try_change(&self, body: &Value) -> ApiResponse {
        self.workspace.send(call(body)).await
    }

    /// Assigns a rank.
    pub async fn rank(&self, user: u64, rank: u64) -> ApiResponse {
        self.try_change(&rank_body(user, rank)).await
    }

    pub fn roles_of(&self, user: u64) -> Vec<u64> {
        self.roblox().roles_of(GROUP, user)
    }

    /// Checks all calls to Roblox and its answers against Roblox's published description.
    pub fn assert_calls_are_documented(&self) {
        let exchanges = self.roblox().exchanges();
        assert!(!exchanges.is_empty());
        for exchange in exchanges {
            let problems = roblox_contract().problems(&exchange);
            assert_eq!(problems, Vec::<String>::new(), "{exchange:?}");
        }
    }
}

pub fn call(body: &Value) -> Call {
    Call::new("PATCH", "/group-role").json(body)
}

pub fn rank_body(user: u64, rank: u64) -> Value {
    json!({ "userId": user, "groupId": GROUP, "rankId": rank })
}

/// Longer than a call to Roblox may take.
pub const TOO_LONG: Duration = Duration::from_secs(6);

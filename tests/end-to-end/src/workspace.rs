//! A workspace of an app, and the calls of its clients.

use std::num::NonZeroU32;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::WorkspaceId;
use shared::domain::keys::{KeyKind, KeyScope, NotificationSecret, PinnedFlagFormat, PlainKey};
use shared::store::admin::NewKey;
use shared::store::{ErasureIntake, ErasureMode, Workspace as Settings};

use crate::app::TestApp;
use crate::call::Call;
use crate::eventually::eventually;
use crate::payload::{Ban, Unban};
use crate::response::ApiResponse;

/// The settings of a new key.
#[derive(Clone, Debug)]
pub struct KeySpec {
    /// Secret or public.
    pub kind: KeyKind,
    pub scopes: Vec<KeyScope>,
    /// The format of flags in its responses.
    pub flags: PinnedFlagFormat,
    /// The cap on bans per hour.
    pub bans_per_hour: Option<NonZeroU32>,
    /// The cap on checks per minute.
    pub checks_per_minute: Option<NonZeroU32>,
    /// Its expiry in Unix seconds.
    pub expires: Option<u64>,
}

impl Default for KeySpec {
    /// A secret key with every scope.
    fn default() -> Self {
        Self {
            kind: KeyKind::Secret,
            scopes: KeyScope::ALL.to_vec(),
            flags: PinnedFlagFormat::Auto,
            bans_per_hour: None,
            checks_per_minute: None,
            expires: None,
        }
    }
}

impl KeySpec {
    /// A secret key with only these scopes.
    pub fn scopes(scopes: &[KeyScope]) -> Self {
        Self {
            scopes: scopes.to_vec(),
            ..Self::default()
        }
    }

    /// A secret key with every scope and a pinned flag format.
    pub fn flags(flags: PinnedFlagFormat) -> Self {
        Self {
            flags,
            ..Self::default()
        }
    }

    pub fn public() -> Self {
        Self {
            kind: KeyKind::Public,
            ..Self::default()
        }
    }
}

/// A workspace that belongs to one test.
#[derive(Clone, Debug)]
pub struct Workspace<'a> {
    app: &'a TestApp,
    id: WorkspaceId,
    secret_key: String,
    public_key: String,
}

impl<'a> Workspace<'a> {
    pub(crate) async fn open(
        app: &'a TestApp,
        change: impl FnOnce(&mut Settings),
        key: KeySpec,
    ) -> Self {
        let id = WorkspaceId::random();
        let mut workspace = Settings::new(id, format!("test {id}"), UnixSeconds(now()));
        change(&mut workspace);
        let made = app
            .store()
            .create_workspace(&workspace)
            .await
            .expect("a workspace");
        assert!(made, "the prefix of {id} is taken");
        let mut workspace = Self {
            app,
            id,
            secret_key: String::new(),
            public_key: String::new(),
        };
        workspace.secret_key = workspace.make_key(key).await;
        workspace.public_key = workspace.make_key(KeySpec::public()).await;
        workspace
    }

    /// Creates another key of the workspace and returns it in clear.
    pub async fn make_key(&self, spec: KeySpec) -> String {
        let key = PlainKey::random(spec.kind, self.id);
        let text = key.reveal().to_owned();
        assert!(self.create_key(key, spec).await, "the key exists");
        text
    }

    /// Stores a key of the workspace; returns false if it exists.
    pub async fn create_key(&self, key: PlainKey, spec: KeySpec) -> bool {
        let new = NewKey {
            key,
            workspace: self.id,
            name: "test".to_owned(),
            scopes: spec.scopes,
            flags: spec.flags,
            bans_per_hour: spec.bans_per_hour,
            checks_per_minute: spec.checks_per_minute,
            expires: spec.expires.map(UnixSeconds),
            created: UnixSeconds(now()),
        };
        self.app.store().create_key(&new).await.expect("a key")
    }

    pub async fn revoke(&self, key: &str) {
        let id = self.key_id(key);
        let revoked = self
            .app
            .store()
            .revoke_key(self.id.prefix(), &id, UnixSeconds(now()))
            .await;
        assert!(revoked.expect("a revocation"), "no such key");
    }

    /// Receives Roblox's erasure requests; returns the webhook's secret. A warm function may not
    /// notice for a minute: see [`TestApp::replace`].
    pub async fn take_in_erasures(&self, mode: ErasureMode) -> String {
        let secret = format!("the webhook secret of {}", self.id);
        self.take_in_erasures_under(&secret, mode).await;
        secret
    }

    /// The same with a given secret.
    pub async fn take_in_erasures_under(&self, secret: &str, mode: ErasureMode) {
        let intake = ErasureIntake {
            guid: self.id,
            secret: NotificationSecret::new(secret).expect("a secret"),
            mode,
            created: UnixSeconds(now()),
        };
        let set = self.app.store().set_erasure_intake(&intake).await;
        set.expect("an intake");
    }

    /// The public id of a key.
    pub fn key_id(&self, key: &str) -> String {
        let hash = PlainKey::parse(key).expect("a key").hash();
        hash.as_str().chars().take(12).collect()
    }

    pub const fn app(&self) -> &'a TestApp {
        self.app
    }

    pub fn guid(&self) -> String {
        self.id.to_string()
    }

    pub const fn id(&self) -> WorkspaceId {
        self.id
    }

    /// The prefix of each of its table keys.
    pub fn prefix(&self) -> String {
        self.id.prefix().to_string()
    }

    /// A key with every scope.
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    /// The same workspace, called with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            secret_key: key.to_owned(),
            ..self.clone()
        }
    }

    /// All stored items of the workspace, for comparisons before and after; without the times at
    /// which its experiences last polled, which are written in the background.
    pub async fn stored(&self) -> Vec<Value> {
        let mut items = self.app.items(&format!("{}#", self.prefix())).await;
        items.retain(|item| item["kind"]["S"] != "sighting");
        items
    }

    /// Links an experience as the operator does.
    pub async fn link(&self, experience: u64) {
        let item = link_item(&self.prefix(), experience, "start");
        self.app.put_item(&item).await;
    }

    /// Stores experiences linked long ago, to which no Global ban remains to be propagated.
    pub async fn link_all(&self, experiences: impl Iterator<Item = u64>) {
        let prefix = self.prefix();
        let links = experiences.map(|id| link_item(&prefix, id, "done"));
        self.app.put_items(links).await;
    }

    /// Sends a request, with the workspace's secret key unless it has another.
    pub async fn send(&self, call: Call) -> ApiResponse {
        let call = match call.has_header("authorization") {
            true => call,
            false => call.key(&self.secret_key),
        };
        self.app.send(&call).await
    }

    /// Bans, changes, reports or appeals; must succeed.
    pub async fn ban(&self, ban: Ban) {
        self.send(ban.call()).await.assert_ok();
    }

    /// Like [`Workspace::ban`], and returns the resulting ban.
    pub async fn ban_shown(&self, ban: Ban) -> Value {
        self.send(ban.call().prefer_representation())
            .await
            .success()["ban"]
            .clone()
    }

    /// Like [`Workspace::ban`], with any result.
    pub async fn try_ban(&self, ban: Ban) -> ApiResponse {
        self.send(ban.call()).await
    }

    /// Unbans or reports; must succeed.
    pub async fn unban(&self, unban: Unban) {
        self.send(unban.call()).await.assert_ok();
    }

    /// Like [`Workspace::unban`], with any result.
    pub async fn try_unban(&self, unban: Unban) -> ApiResponse {
        self.send(unban.call()).await
    }

    /// Reports a ban from a list as the published SDK does.
    pub async fn report(&self, item: &Value, experience: u64) {
        self.ban(Ban::reporting(item, experience)).await;
    }

    /// Reports that the experience no longer bans the user.
    pub async fn report_unban(&self, user: u64, experience: u64) {
        self.unban(Unban::of(user, experience).report_only()).await;
    }

    /// The body of a successful `/is-banned`.
    pub async fn check(&self, user: u64, experience: u64) -> Value {
        self.try_check(user, experience).await.success()
    }

    /// The response of `/is-banned`.
    pub async fn try_check(&self, user: u64, experience: u64) -> ApiResponse {
        let body = json!({ "userId": user, "experienceId": experience });
        self.send(Call::post("/is-banned").json(&body)).await
    }

    /// Whether `/is-banned` keeps the user out.
    pub async fn is_banned(&self, user: u64, experience: u64) -> bool {
        self.check(user, experience).await["isBanned"]
            .as_bool()
            .expect("isBanned")
    }

    /// All pending bans of an experience, over all pages.
    pub async fn pending_bans(&self, experience: u64) -> Vec<Value> {
        self.all_pages(Call::get("/pending-bans").query("experienceId", experience))
            .await
    }

    /// All pending unbans of an experience, over all pages.
    pub async fn pending_unbans(&self, experience: u64) -> Vec<Value> {
        self.all_pages(Call::get("/pending-unbans").query("experienceId", experience))
            .await
    }

    /// All bans on record, over all pages.
    pub async fn bans(&self) -> Vec<Value> {
        let mut bans = self.listed_bans().await;
        for ban in &mut bans {
            ban.as_object_mut().expect("a ban").remove("actor");
        }
        bans
    }

    /// The same with who decided.
    pub async fn listed_bans(&self) -> Vec<Value> {
        self.all_pages(Call::get("/bans")).await
    }

    /// The list entries of all pages of a call.
    pub async fn all_pages(&self, call: Call) -> Vec<Value> {
        let mut list = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = match &cursor {
                Some(cursor) => call.clone().query("cursor", cursor),
                None => call.clone(),
            };
            let answer = self.send(page).await;
            list.extend(answer.list());
            let next = answer.next_cursor();
            assert!(
                next.is_none() || next != cursor,
                "a cursor leads to itself: {answer}"
            );
            cursor = next;
            if cursor.is_none() {
                return list;
            }
        }
    }

    /// Waits until exactly these users have a pending ban in the experience, in this order.
    pub async fn await_pending_bans(&self, experience: u64, users: &[u64]) -> Vec<Value> {
        eventually(
            &format!("bans of {users:?} are pending in {experience}"),
            async || {
                let list = self.pending_bans(experience).await;
                (ids_of(&list) == users).then_some(list)
            },
        )
        .await
    }

    /// Waits until exactly these users have a pending unban in the experience, in this order.
    pub async fn await_pending_unbans(&self, experience: u64, users: &[u64]) -> Vec<Value> {
        eventually(
            &format!("unbans of {users:?} are pending in {experience}"),
            async || {
                let list = self.pending_unbans(experience).await;
                (ids_of(&list) == users).then_some(list)
            },
        )
        .await
    }
}

fn link_item(prefix: &str, experience: u64, backfill: &str) -> Value {
    json!({
        "pk": { "S": format!("{prefix}#X") },
        "sk": { "S": format!("{experience:016}") },
        "kind": { "S": "link" },
        "linked": { "N": now().to_string() },
        "backfill": { "S": backfill },
    })
}

fn ids_of(list: &[Value]) -> Vec<u64> {
    list.iter()
        .map(|item| item["robloxId"].as_u64().expect("robloxId"))
        .collect()
}

/// The current Unix time in seconds.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs()
}

//! One workspace of an app, and what its callers do.

use std::num::NonZeroU32;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::WorkspaceId;
use shared::domain::keys::{KeyKind, KeyScope, NotificationSecret, PinnedFlagFormat, PlainKey};
use shared::store::{ErasureIntake, ErasureMode, NewKey, Workspace as Settings};

use crate::answer::Answer;
use crate::app::TestApp;
use crate::call::Call;
use crate::eventually::eventually;
use crate::payload::{Ban, Unban};

/// A key to be made.
#[derive(Clone, Debug)]
pub struct KeySpec {
    /// Secret or public.
    pub kind: KeyKind,
    /// What it may do.
    pub scopes: Vec<KeyScope>,
    /// How flags are written to it.
    pub flags: PinnedFlagFormat,
    /// How many bans it may make within any hour.
    pub bans_per_hour: Option<NonZeroU32>,
    /// How many checks it may make within a minute.
    pub checks_per_minute: Option<NonZeroU32>,
    /// From which Unix second on it is refused.
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
    /// A secret key with these scopes only.
    pub fn scopes(scopes: &[KeyScope]) -> Self {
        Self {
            scopes: scopes.to_vec(),
            ..Self::default()
        }
    }

    /// A secret key with every scope, to which flags are always written this way.
    pub fn flags(flags: PinnedFlagFormat) -> Self {
        Self {
            flags,
            ..Self::default()
        }
    }

    /// A public key.
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

    /// Makes another key of the workspace and returns it in clear.
    pub async fn make_key(&self, spec: KeySpec) -> String {
        let key = PlainKey::random(spec.kind, self.id);
        let text = key.reveal().to_owned();
        assert!(self.create_key(key, spec).await, "the key exists");
        text
    }

    /// Makes this key of the workspace; `false` if it exists.
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

    /// Revokes a key.
    pub async fn revoke(&self, key: &str) {
        let id = self.key_id(key);
        let revoked = self
            .app
            .store()
            .revoke_key(self.id.prefix(), &id, UnixSeconds(now()))
            .await;
        assert!(revoked.expect("a revocation"), "no such key");
    }

    /// Takes in Roblox's erasure requests, and returns the secret of the webhook. A warm function
    /// may not see it for a minute: see [`TestApp::replace`].
    pub async fn take_in_erasures(&self, mode: ErasureMode) -> String {
        let secret = format!("the webhook secret of {}", self.id);
        self.take_in_erasures_under(&secret, mode).await;
        secret
    }

    /// The same under a given secret.
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

    /// The app.
    pub const fn app(&self) -> &'a TestApp {
        self.app
    }

    /// The workspace's GUID.
    pub fn guid(&self) -> String {
        self.id.to_string()
    }

    /// The workspace's id.
    pub const fn id(&self) -> WorkspaceId {
        self.id
    }

    /// What begins each of its table keys.
    pub fn prefix(&self) -> String {
        self.id.prefix().to_string()
    }

    /// A key with every scope.
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// A public key.
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

    /// Everything stored of the workspace, for comparing before and after; but not the notes of when
    /// its experiences polled, which are written beside the answers.
    pub async fn stored(&self) -> Vec<Value> {
        let mut items = self.app.items(&format!("{}#", self.prefix())).await;
        items.retain(|item| item["kind"]["S"] != "sighting");
        items
    }

    /// Links an experience as the operator does.
    pub async fn link(&self, experience: u64) {
        let item = link_item(&self.prefix(), experience, "start");
        let put = json!({ "TableName": self.app.tables().bans, "Item": item });
        self.app
            .database()
            .call("PutItem", &put)
            .await
            .expect("a link");
    }

    /// Experiences that were linked long ago: there was no Global ban to be brought to them.
    pub async fn link_all(&self, experiences: impl Iterator<Item = u64>) {
        let prefix = self.prefix();
        let puts: Vec<_> = experiences
            .map(|id| put_request(link_item(&prefix, id, "done")))
            .collect();
        for batch in puts.chunks(25) {
            let input = json!({ "RequestItems": { &self.app.tables().bans: batch } });
            let output = self.app.database().call("BatchWriteItem", &input).await;
            let output = output.expect("links");
            assert!(
                output["UnprocessedItems"]
                    .as_object()
                    .is_none_or(serde_json::Map::is_empty)
            );
        }
    }

    /// Sends a request, with the workspace's secret key unless it has a key.
    pub async fn send(&self, call: Call) -> Answer {
        let call = match call.has_header("authorization") {
            true => call,
            false => call.key(&self.secret_key),
        };
        self.app.send(&call).await
    }

    /// Bans, changes, confirms or appeals; the answer must be success.
    pub async fn ban(&self, ban: Ban) {
        self.send(ban.call()).await.assert_ok();
    }

    /// The same, and the ban that it led to.
    pub async fn ban_shown(&self, ban: Ban) -> Value {
        self.send(ban.call().prefer_representation())
            .await
            .success()["ban"]
            .clone()
    }

    /// The same, whatever comes of it.
    pub async fn try_ban(&self, ban: Ban) -> Answer {
        self.send(ban.call()).await
    }

    /// Unbans or reports; the answer must be success.
    pub async fn unban(&self, unban: Unban) {
        self.send(unban.call()).await.assert_ok();
    }

    /// The same, whatever comes of it.
    pub async fn try_unban(&self, unban: Unban) -> Answer {
        self.send(unban.call()).await
    }

    /// The experience confirms a ban from a list as the published SDK does.
    pub async fn confirm(&self, item: &Value, experience: u64) {
        self.ban(Ban::confirming(item, experience)).await;
    }

    /// The experience reports that it no longer bans the user.
    pub async fn confirm_unban(&self, user: u64, experience: u64) {
        self.unban(Unban::of(user, experience).confirm_only()).await;
    }

    /// What `/is-banned` says; it must be success.
    pub async fn check(&self, user: u64, experience: u64) -> Value {
        self.try_check(user, experience).await.success()
    }

    /// What `/is-banned` answers.
    pub async fn try_check(&self, user: u64, experience: u64) -> Answer {
        let body = json!({ "userId": user, "experienceId": experience });
        self.send(Call::post("/is-banned").json(&body)).await
    }

    /// Does `/is-banned` keep the user out?
    pub async fn is_banned(&self, user: u64, experience: u64) -> bool {
        self.check(user, experience).await["isBanned"]
            .as_bool()
            .expect("isBanned")
    }

    /// All bans pending for an experience, over all pages.
    pub async fn pending_bans(&self, experience: u64) -> Vec<Value> {
        self.all_pages(Call::get("/pending-bans").query("experienceId", experience))
            .await
    }

    /// All unbans pending for an experience, over all pages.
    pub async fn pending_unbans(&self, experience: u64) -> Vec<Value> {
        self.all_pages(Call::get("/pending-unbans").query("experienceId", experience))
            .await
    }

    /// All bans on record, over all pages.
    pub async fn bans(&self) -> Vec<Value> {
        self.all_pages(Call::get("/bans")).await
    }

    /// The lists of all pages of a call, one after the other.
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

    /// Waits until exactly these users have a ban pending in the experience, in this order.
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

    /// Waits until exactly these users have an unban pending in the experience, in this order.
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

fn put_request(item: Value) -> Value {
    json!({ "PutRequest": { "Item": item } })
}

fn ids_of(list: &[Value]) -> Vec<u64> {
    list.iter()
        .map(|item| item["robloxId"].as_u64().expect("robloxId"))
        .collect()
}

/// The system clock in Unix seconds.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs()
}

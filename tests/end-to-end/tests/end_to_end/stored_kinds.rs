//! Every kind of stored item, and what becomes of it.
//!
//! A new kind does not compile until [`life`] says what becomes of it, and fails until [`fill`]
//! stores one.

use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroU32;

use end_to_end::{
    Ban, Call, KeySpec, TestApp, WebhookReceiver, Workspace, eventually, now, role_change,
};
use serde_json::{Value, json};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{ExperienceId, UniverseId, UserId, WorkspacePrefix};
use shared::domain::keys::NotificationSecret;
use shared::domain::members::{
    DiscordId, Member, MemberId, MemberPermission, MemberPermissions, PermissionBasis,
    PermissionRule, ReasonPresets, RuleId,
};
use shared::domain::role_rules::{RoleBasis, RoleRule};
use shared::domain::rules::mirror::RestrictionSync;
use shared::domain::user_name::{RobloxName, RobloxUser};
use shared::store::admin::RemovalPosition;
use shared::store::{
    ErasureIntake, ErasureMode, ErasureSource, MirrorOptions, NotificationId, Store, StoredKind,
};

use crate::routes::EXPERIENCE;

/// The users, with ids that are found in no other number.
const BANNED: u64 = 8_123_456_701;
const EXPIRING: u64 = 8_123_456_702;
const ERASED: u64 = 8_123_456_703;
const WITHOUT_BANS: u64 = 8_123_456_704;
const PROTECTED: u64 = 8_123_456_705;
const USERS: [u64; 5] = [BANNED, EXPIRING, ERASED, WITHOUT_BANS, PROTECTED];

const UNIVERSE: u64 = 7;

/// What the erasure of a user does to items of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Erasure {
    /// Each is about a user, and is removed with them.
    Removed,
    /// Those that name the user are removed.
    RemovedIfNamed,
    /// They name no user, and stay.
    Kept,
}

/// What the deletion of a workspace does to items of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deletion {
    Removed,
    /// They stay until their `ttl`.
    Expires,
    /// They are not a workspace's.
    Unaffected,
}

/// What becomes of items of a kind: in an erasure, in a deletion, and whether each is a row of an
/// export.
const fn life(kind: StoredKind) -> (Erasure, Deletion, bool) {
    match kind {
        StoredKind::Activity | StoredKind::LinkConsent => {
            (Erasure::RemovedIfNamed, Deletion::Removed, false)
        }
        StoredKind::Ban => (Erasure::Removed, Deletion::Removed, true),
        StoredKind::AccountLink
        | StoredKind::Application
        | StoredKind::Decision
        | StoredKind::Evidence
        | StoredKind::EvidenceEntry
        | StoredKind::EvidenceText
        | StoredKind::Experience
        | StoredKind::Expiry
        | StoredKind::Global
        | StoredKind::Protected
        | StoredKind::QueuedErasure => (Erasure::Removed, Deletion::Removed, false),
        StoredKind::Counter
        | StoredKind::Delivery
        | StoredKind::EvidenceBytes
        | StoredKind::Link
        | StoredKind::Log
        | StoredKind::Receipt
        | StoredKind::Sighting
        | StoredKind::DiscordRules
        | StoredKind::EndedMirror
        | StoredKind::Endpoint
        | StoredKind::ErasureIntake
        | StoredKind::Group
        | StoredKind::Guild
        | StoredKind::GuildWatch
        | StoredKind::Invitation
        | StoredKind::Key
        | StoredKind::Member
        | StoredKind::MemberAccount
        | StoredKind::Mirror
        | StoredKind::Presets
        | StoredKind::RoleRules
        | StoredKind::RoleSync
        | StoredKind::Rules
        | StoredKind::Session
        | StoredKind::Workspace => (Erasure::Kept, Deletion::Removed, false),
        StoredKind::Name => (Erasure::Removed, Deletion::Expires, false),
        StoredKind::LinkCode | StoredKind::LinkCodeUse | StoredKind::Pace => {
            (Erasure::RemovedIfNamed, Deletion::Expires, false)
        }
        StoredKind::Checks
        | StoredKind::Erased
        | StoredKind::Lease
        | StoredKind::Notification
        | StoredKind::RemovedEvidence
        | StoredKind::Request
        | StoredKind::Snapshot
        | StoredKind::WrongCodes => (Erasure::Kept, Deletion::Expires, false),
        StoredKind::LoggedTick | StoredKind::Restore | StoredKind::Tick => {
            (Erasure::Kept, Deletion::Unaffected, false)
        }
    }
}

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

/// A member with an invitation, a session, a rule and a preset.
async fn add_member(store: &Store, prefix: WorkspacePrefix) {
    let member = Member {
        id: MemberId::random(),
        name: "Ada".parse().unwrap(),
        discord: None,
        roblox: UserId::new(7),
        granted: MemberPermissions::default().with(MemberPermission::View),
        added: UnixSeconds(now()),
        removed: None,
        checked: Vec::new(),
    };
    store.add_member(prefix, &member).await.unwrap().unwrap();
    let at = UnixSeconds(now());
    store.invite(prefix, member.id, at).await.unwrap();
    store.begin_session(prefix, member.id, at).await.unwrap();
    let rule = PermissionRule {
        id: RuleId::random(),
        permission: MemberPermission::View,
        basis: PermissionBasis::DiscordUser {
            user: "80351110224678912".parse().unwrap(),
        },
        added: at,
    };
    let add = |rules: &mut Vec<_>| rules.push(rule.clone());
    store.change_rules(prefix, add).await.unwrap();
    let offer = |presets: &mut ReasonPresets| *presets = ReasonPresets::default();
    store.change_reason_presets(prefix, offer).await.unwrap();
}

/// A rule that gives a role on Discord.
async fn add_role_rule(store: &Store, prefix: WorkspacePrefix) {
    let id: DiscordId = "80351110224678912".parse().unwrap();
    let rule = RoleRule {
        id: RuleId::random(),
        guild: id,
        role: id,
        basis: RoleBasis::Linked,
        added: UnixSeconds(now()),
    };
    store.add_role_rule(prefix, &rule).await.unwrap().unwrap();
}

/// A link, the consent to it and that of nobody who is erased, open codes of both sides and of nobody who is
/// erased, and a wrong code.
async fn add_links(workspace: &Workspace<'_>) {
    const LINKED: &str = "80351110224678912";
    for agreeing in [LINKED, "80351110224678913"] {
        let (store, prefix) = (workspace.app().store(), workspace.id().prefix());
        let agreeing = agreeing.parse().unwrap();
        let agreed = store.agree_to_link(prefix, agreeing, UnixSeconds(now()));
        agreed.await.unwrap();
    }
    let make = |body: Value| workspace.send(Call::post("/links/codes").json(&body));
    let redeem = |body: Value| workspace.send(Call::post("/links/codes/redeem").json(&body));
    let made = make(json!({ "discordId": LINKED })).await.success();
    let linking = redeem(json!({ "code": made["code"], "userId": BANNED }));
    linking.await.assert_ok();
    for account in [
        json!({ "userId": BANNED }),
        json!({ "discordId": LINKED }),
        json!({ "discordId": "80351110224678913" }),
    ] {
        make(account).await.success();
    }
    for user in [WITHOUT_BANS, 1] {
        let wrong = redeem(json!({ "code": "000-000", "userId": user })).await;
        wrong.assert_error(404, "not_found");
    }
}

/// The workspace's items in both tables.
async fn items(workspace: &Workspace<'_>) -> Vec<Value> {
    let app = workspace.app();
    let scan = json!({ "TableName": app.tables().workspaces });
    let settings = app.database().call("Scan", &scan).await.unwrap();
    let (guid, prefix) = (workspace.guid(), workspace.prefix());
    let is_ours = |item: &&Value| {
        let text = item.to_string();
        text.contains(&guid) || text.contains(&prefix)
    };
    let settings = settings["Items"].as_array().unwrap();
    let settings = settings.iter().filter(is_ours).cloned();
    let mut items = app.items(&format!("{prefix}#")).await;
    items.extend(settings);
    items
}

fn kind_of(item: &Value) -> StoredKind {
    let name = item["kind"]["S"].as_str().unwrap();
    let mut all = StoredKind::IN_BANS.iter().chain(StoredKind::IN_WORKSPACES);
    let kind = all.find(|kind| kind.name() == name);
    *kind.unwrap_or_else(|| panic!("an item of an unknown kind: {item}"))
}

fn kinds(items: &[Value]) -> BTreeSet<StoredKind> {
    items.iter().map(kind_of).collect()
}

/// The kinds of a workspace's items that become this.
fn kinds_that(are: impl Fn(Erasure, Deletion) -> bool) -> BTreeSet<StoredKind> {
    let all = StoredKind::IN_BANS.iter().chain(StoredKind::IN_WORKSPACES);
    let of_a_workspace = all.copied().filter(|kind| {
        let (erasure, deletion, _) = life(*kind);
        deletion != Deletion::Unaffected && are(erasure, deletion)
    });
    of_a_workspace.collect()
}

/// Stores an item of every kind that a workspace can have.
async fn fill(workspace: &Workspace<'_>) {
    let (app, store) = (workspace.app(), workspace.app().store());
    let prefix = workspace.id().prefix();
    let hook = WebhookReceiver::start();
    workspace.add_endpoint(&hook.url(), |_| {}).await;
    for place in [EXPERIENCE, EXPERIENCE + 1] {
        let options = MirrorOptions::ALL;
        workspace.set_mirror(place, UNIVERSE, "none", options).await;
    }
    workspace.allow_group(7, "none", |_| {}).await;
    let place = ExperienceId::new(EXPERIENCE).unwrap();
    assert!(store.remove_mirror(prefix, place).await.unwrap());

    let soon = now() + 3;
    let capped = KeySpec {
        bans_per_hour: NonZeroU32::new(1),
        ..KeySpec::default()
    };
    let capped = workspace.with_key(&workspace.make_key(capped).await);
    capped.ban(Ban::of(EXPIRING, EXPERIENCE).length(soon)).await;
    let global = Ban::of(BANNED, EXPERIENCE).global().permanent();
    workspace
        .ban(global.header("idempotency-key", "once"))
        .await;
    workspace.ban(Ban::of(ERASED, EXPERIENCE)).await;
    for of in [Some(BANNED), Some(WITHOUT_BANS), None] {
        assert!(workspace.record(&role_change(of)).await);
    }
    let bans = Call::get("/bans").query("userId", BANNED);
    let case = workspace.send(bans).await.list()[0]["guid"].clone();
    let body = json!({
        "caseId": case, "evidenceType": "Metadata", "evidenceContent": "YQ==", "userId": BANNED,
    });
    let create = Call::post("/evidence/create").json(&body);
    workspace.send(create.clone()).await.success();
    let removed = workspace.send(create).await.success();
    let guid = removed["evidenceGuid"].as_str().unwrap();
    let remove = Call::new("DELETE", &format!("/evidence/{guid}"));
    workspace.send(remove).await.assert_ok();
    add_links(workspace).await;
    let protecting = store.protect(prefix, user(PROTECTED), UnixSeconds(now()));
    protecting.await.unwrap();
    add_member(store, prefix).await;
    workspace.link_guild(local_stack::discord::GUILD).await;
    add_role_rule(store, prefix).await;
    app.run_schedule("sync-roles", "EachFiveMinutes").await;
    workspace.watch_guild(local_stack::discord::GUILD).await;
    let named = [BANNED, PROTECTED].map(|id| RobloxUser {
        id: user(id),
        name: RobloxName::new("name", "").unwrap(),
    });
    let expired = HashSet::new();
    let caching = store.cache_names(prefix, &named, &expired, UnixSeconds(now()));
    caching.await;
    let universe = UniverseId::new(UNIVERSE).unwrap();
    let sync = RestrictionSync::default();
    let saving = store.save_sync(prefix, user(BANNED), universe, &sync, None, false);
    saving.await.unwrap();
    let until = UnixMillis::from_millis(UnixMillis::now().millis() + 3_600_000);
    store.pause_universe(prefix, universe, until).await.unwrap();

    let erasing = store.erase_user(prefix, user(ERASED), ErasureSource::Operator);
    erasing.await.unwrap();
    let intake = ErasureIntake {
        guid: workspace.id(),
        secret: NotificationSecret::new("secret").unwrap(),
        mode: ErasureMode::Queue,
        created: UnixSeconds(now()),
    };
    store.set_erasure_intake(&intake).await.unwrap();
    let name = NotificationId::new("notification").unwrap();
    let taking = store.take_in_erasure(&intake, &name, user(BANNED), UnixSeconds(now()));
    taking.await.unwrap();

    let check = json!({ "userId": BANNED, "experienceId": EXPERIENCE });
    let check = Call::post("/is-banned").json(&check);
    let public = workspace.with_key(workspace.public_key());
    for _ in 0..10 {
        public.send(check.clone()).await;
    }
    workspace.pending_bans(EXPERIENCE).await;
    workspace.send(Call::get("/snapshot")).await;
    eventually("the ban has expired", async || {
        (now() >= soon).then_some(())
    })
    .await;
    app.run_schedule("expire-bans", "EachMinute").await;
    app.quiet().await;
    let all = kinds_that(|_, _| true);
    eventually("an item of every kind", async || {
        let found = kinds(&items(workspace).await);
        let missing: Vec<_> = all.difference(&found).collect();
        if !missing.is_empty() {
            eprintln!("missing: {missing:?}");
        }
        missing.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn erasure_removes_every_item_that_names_the_user_and_no_other() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    fill(&workspace).await;
    let before = items(&workspace).await;
    let rows = workspace.send(Call::get("/export/bans/json")).await.list();
    let exported = before.iter().filter(|item| life(kind_of(item)).2);
    assert_eq!(rows.len(), exported.count());

    let prefix = workspace.id().prefix();
    for id in USERS {
        let erasing = app
            .store()
            .erase_user(prefix, user(id), ErasureSource::Operator);
        erasing.await.unwrap();
    }
    app.quiet().await;
    let left = items(&workspace).await;
    for item in &left {
        let text = item.to_string();
        let named = USERS.iter().find(|user| text.contains(&user.to_string()));
        assert_eq!(named, None, "{text}");
    }
    let kept = kinds_that(|erasure, _| erasure != Erasure::Removed);
    assert_eq!(kinds(&left), kept);
}

#[tokio::test]
async fn deletion_leaves_only_items_that_expire() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    fill(&workspace).await;
    let (store, prefix) = (app.store(), workspace.id().prefix());
    store.remove_global(prefix).await.unwrap();
    let mut position = RemovalPosition::default();
    while let Some(_bans) = store
        .remove_some_users(prefix, &mut position)
        .await
        .unwrap()
    {}
    store.remove_rest(prefix).await.unwrap();
    let left = items(&workspace).await;
    for item in &left {
        assert_eq!(life(kind_of(item)).1, Deletion::Expires, "{item}");
        assert!(item.get("ttl").is_some(), "{item}");
    }
    let expiring = kinds_that(|_, deletion| deletion == Deletion::Expires);
    assert_eq!(kinds(&left), expiring);
}

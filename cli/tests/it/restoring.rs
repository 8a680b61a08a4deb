//! Tests of `portcullis restore` with a damaged table, readers, webhooks and a mirror.

mod activities;
mod helpers;
mod joined_places;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::stack::Operator;
use end_to_end::{Ban, Call, TestApp, Unban, Workspace, age_log, eventually};
use helpers::{COPY, by_user, copy, counted, damage, epoch, ids, marked, read};
use local_stack::roblox::Limits;
use serde_json::{Value, json};

const UNIVERSE: u64 = 7;
const PLACE: u64 = 7_001;

/// What happens to each user after the copy is made.
const KEPT: u64 = 810_001;
const LIFTED: u64 = 810_002;
const CHANGED: u64 = 810_003;
const MADE: u64 = 810_004;
const GLOBAL: u64 = 810_005;
const ERASED: u64 = 810_006;
const LOST: u64 = 810_007;
/// Erased between the dry run and the stop of the functions.
const ERASED_LATE: u64 = 810_008;
/// Banned while the event log starts again from 1.
const MADE_LATE: u64 = 810_009;

/// Runs the stream, the mirror and the webhooks until nothing is left.
async fn bring(workspace: &Workspace<'_>) {
    let app = workspace.app();
    app.quiet().await;
    workspace.bring_due().await;
    let event = json!({ "workspace": workspace.prefix(), "universe": UNIVERSE }).to_string();
    let mirror = app.runtime().invoke("mirror-bans", event.into());
    mirror.await.unwrap();
    app.quiet().await;
}

fn keeps_out(app: &TestApp, users: &[u64]) -> Vec<bool> {
    let roblox = app.roblox();
    let keeps_out = |user| roblox.keeps_out(UNIVERSE, PLACE, user);
    users.iter().map(|user| keeps_out(*user)).collect()
}

fn permanent(user: u64) -> Ban {
    Ban::of(user, PLACE).permanent().reasons("first", "first")
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::too_many_lines,
    reason = "one restore, from the damage to what each party sees"
)]
async fn restore_loses_nothing_and_marks_repeated_events() {
    let window = Duration::from_millis(10);
    let app = TestApp::builder()
        .instances(2)
        .roblox_window(window)
        .start()
        .await;
    app.control().set_timeout(Duration::from_secs(1));
    app.roblox().set_limits(Limits {
        per_user: 100,
        ..Limits::default()
    });
    let workspace = app.workspace().await;
    workspace.link(PLACE).await;
    workspace.mirror(PLACE, UNIVERSE, "key").await;
    let endpoint = workspace.add_webhook("panel").await;
    let operator = Operator::of(&workspace);

    for user in [KEPT, LIFTED, CHANGED, ERASED, ERASED_LATE, LOST] {
        workspace.ban(permanent(user)).await;
    }
    workspace.ban(permanent(GLOBAL).global()).await;
    bring(&workspace).await;
    let (first, early) = read(&workspace, None, 7).await;
    assert_eq!(epoch(&workspace).await, 0);
    copy(&app).await;

    workspace.unban(Unban::of(LIFTED, PLACE)).await;
    workspace.unban(Unban::of(GLOBAL, PLACE)).await;
    let other = permanent(CHANGED).reasons("second", "second");
    workspace.ban(other).await;
    workspace.ban(permanent(MADE)).await;
    bring(&workspace).await;
    let erased = ERASED.to_string();
    operator.json(&["erase", &erased, "--yes"]).await;
    bring(&workspace).await;
    let (since, late) = read(&workspace, Some(&early), 4).await;
    let then = [KEPT, LIFTED, CHANGED, MADE, GLOBAL, LOST];
    assert_eq!(
        keeps_out(&app, &then),
        [true, false, true, true, false, true]
    );

    // A user and both counters are deleted.
    let prefix = workspace.prefix();
    for lost in [
        format!("{prefix}#U#{LOST}"),
        format!("{prefix}#L"),
        format!("{prefix}#N"),
    ] {
        damage(&app, &lost).await;
    }
    app.runtime().reserve("ban-async", Some(7));
    // The event log starts again from 1: a reader that is ahead does not see new decisions.
    workspace.ban(permanent(MADE_LATE)).await;
    bring(&workspace).await;
    let stuck = workspace
        .send(Call::get("/events").query("cursor", &late))
        .await;
    stuck.assert_wrong_fields(&["cursor"]);

    // A dry run changes nothing.
    let before = workspace.stored().await;
    let restore = ["--stack", "portcullis", "restore", "--from", COPY];
    let dry = operator
        .json(&[&restore[..], &["--dry-run"]].concat())
        .await;
    let of_ours = |shown: &Value| {
        let mut all = shown.as_array().unwrap().iter();
        let ours = all.find(|one| one["workspaceGuid"] == workspace.guid());
        ours.unwrap().clone()
    };
    let seen = of_ours(&dry);
    assert_eq!(seen["leftOut"], json!([ERASED, LOST]), "{seen}");
    let counts = [&seen["lifted"], &seen["restored"], &seen["changed"]];
    assert_eq!(counts, [2, 2, 1], "{seen}");
    assert_eq!(workspace.stored().await, before);
    assert_eq!(app.runtime().reserved("publish-events"), None);

    // Another user is erased before the functions stop. No user is brought back until the absent ones are
    // listed again: the rest is restored, and the functions stay stopped.
    let erased_late = ERASED_LATE.to_string();
    operator.json(&["erase", &erased_late, "--yes"]).await;
    bring(&workspace).await;
    let dry = operator
        .json(&[&restore[..], &["--dry-run"]].concat())
        .await;
    let yes = [&restore[..], &["--yes", "--output", "json"]].concat();
    let absent = ["--absent", "bring-back", "--erased", &erased];
    let undecided = operator.run(&[&yes[..], &absent[..]].concat()).await;
    assert_eq!(undecided.status.code(), Some(1));
    let said = String::from_utf8(undecided.stderr).unwrap();
    assert!(said.contains("--absent"), "{said}");
    let shown = of_ours(&serde_json::from_slice(&undecided.stdout).unwrap());
    assert_eq!(shown["leftOut"], json!([ERASED, LOST, ERASED_LATE]));
    assert_eq!(
        counted(&shown),
        counted(&of_ours(&dry)),
        "as the dry run said"
    );
    for (function, stopped) in [
        ("ban-async", true),
        ("unban-async", true),
        ("pending-bans", true),
        ("roblox-webhook", true),
        ("spread-decisions", true),
        ("publish-events", true),
        ("expire-bans", true),
        ("deliver-webhooks", true),
        ("mirror-bans", true),
        ("reports", true),
        ("snapshot", true),
        ("build-snapshots", true),
        ("is-banned", false),
        ("is-banned-batch", false),
        ("not-found", false),
    ] {
        let is_stopped = app.runtime().reserved(function) == Some(0);
        assert_eq!(is_stopped, stopped, "{function}");
    }
    let doctor = operator.run(&["doctor", "--output", "json"]).await;
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.contains("a restore from bans-restored"), "{doctor}");
    assert!(workspace.is_banned(KEPT, PLACE).await, "checks go on");
    let refused = workspace.send(permanent(1).call().unchecked()).await;
    assert_eq!(refused.status, 500, "nothing is decided");
    read(&workspace, None, 1).await;
    for changes in [
        &["erase", "810001", "--yes"][..],
        &["protected", "add", "810001"],
        &["unban", "810001", "--experience", "7001", "--yes"],
    ] {
        let refused = operator.run(changes).await;
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("is in progress"), "{changes:?}: {said}");
    }

    let both = format!("{erased},{erased_late}");
    let absent = ["--absent", "bring-back", "--erased", &both];
    let dry = operator
        .json(&[&restore[..], &["--dry-run"], &absent[..]].concat())
        .await;
    let done = operator
        .json(&[&restore[..], &["--yes"], &absent[..]].concat())
        .await;
    let done = of_ours(&done);
    assert_eq!(
        counted(&done),
        counted(&of_ours(&dry)),
        "as the dry run said"
    );
    assert_eq!(done["leftOut"], json!([ERASED, ERASED_LATE]), "{done}");
    assert_eq!(done["putBack"]["ban"], 1, "{done}");
    for function in app.runtime().names() {
        assert_ne!(app.runtime().reserved(function), Some(0), "{function}");
    }
    assert_eq!(app.runtime().reserved("ban-async"), Some(7));
    assert_eq!(app.runtime().reserved("publish-events"), None);
    bring(&workspace).await;

    // Bans and the mirror.
    for (user, banned) in [
        (KEPT, true),
        (LIFTED, true),
        (CHANGED, true),
        (MADE, false),
        (GLOBAL, true),
        (ERASED, false),
        (ERASED_LATE, false),
        (MADE_LATE, false),
        (LOST, true),
    ] {
        assert_eq!(workspace.is_banned(user, PLACE).await, banned, "{user}");
    }
    let changed = workspace.check(CHANGED, PLACE).await;
    assert_eq!(changed["privateReason"], "first");
    assert_eq!(
        keeps_out(&app, &then),
        [true, true, true, false, true, true]
    );
    let held = app.roblox().restriction(UNIVERSE, None, CHANGED);
    assert_eq!(held.private_reason, "first");
    let stored = json!(workspace.stored().await).to_string();
    for erased in [&erased, &erased_late] {
        assert!(!stored.contains(erased), "{stored}");
    }
    let bans = workspace.bans().await;
    assert_eq!(bans.len(), 7, "bans that were lifted stay on record");
    let history = operator.json(&["history", &LIFTED.to_string()]).await;
    let last = history.as_array().unwrap().last().unwrap();
    assert_eq!(last["principal"], "local user unknown", "{history}");

    // Readers get the decisions made while they were stuck, those of the restore, and events that are
    // logged again, with the same id and a mark.
    age_log(&workspace).await;
    let (after, _) = read(&workspace, Some(&late), 11).await;
    assert_eq!(epoch(&workspace).await, 1);
    let expected = BTreeMap::from([
        (LIFTED, "GAME_BANNED"),
        (CHANGED, "GAME_BAN_UPDATED"),
        (MADE, "GAME_UNBANNED"),
        (GLOBAL, "GAME_BANNED"),
        (LOST, "GAME_BANNED"),
        (MADE_LATE, "GAME_UNBANNED"),
    ]);
    assert_eq!(by_user(&after), expected);
    let known = &ids(&first) | &ids(&since);
    let repeated = &ids(&after) & &known;
    let of = |events: &[Value], user| {
        let of_user = events.iter().filter(|it| it["data"]["robloxId"] == user);
        ids(&of_user.cloned().collect::<Vec<_>>())
    };
    // Events of the restarted log are surely repeated; those of the minute before may be.
    assert_eq!(repeated, &of(&first, LOST) | &ids(&since));
    let of_late = of(&after, MADE_LATE);
    assert_eq!(of_late.len(), 2, "the ban was made, and lifted");
    let certain = &repeated | &of_late;
    assert!(marked(&after).is_superset(&repeated));
    assert!(marked(&after).is_subset(&certain));
    assert_eq!(marked(&after).len(), repeated.len() + 1);
    assert_eq!(marked(&[&first[..], &since[..]].concat()), BTreeSet::new());
    let (all, _) = read(&workspace, Some(&early), 11).await;
    assert!(ids(&all).is_superset(&(&ids(&since) | &ids(&after))));

    // Webhooks get every event once, except for repeated ones, which are marked.
    let mut arrived: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for delivery in app.receiver().events("panel") {
        let is_marked = delivery.json()["repeated"] == 1;
        let times = arrived.entry(delivery.id().to_owned()).or_default();
        times.push(is_marked);
    }
    let all = &known | &ids(&after);
    assert_eq!(arrived.keys().cloned().collect::<BTreeSet<_>>(), all);
    for (id, times) in &arrived {
        match times.as_slice() {
            [is_marked] => assert!(!is_marked || of_late.contains(id), "{id}"),
            [first, again @ ..] => {
                assert!(!first && again.iter().all(|it| *it), "{id}: {times:?}");
                assert!(repeated.contains(id), "{id}");
            }
            [] => panic!("{id} did not arrive"),
        }
    }
    let open = workspace.deliveries(endpoint).await;
    assert!(open.iter().all(|one| one.due_at.is_none()), "{open:?}");

    // Numbers continue after all used ones, and a second run finds nothing to do.
    let new = workspace.ban_shown(permanent(9)).await;
    assert!(new["uid"].as_u64().unwrap() > 1_000_000, "{new}");
    bring(&workspace).await;
    workspace.unban(Unban::of(9, PLACE)).await;
    let again = [&restore[..], &["--dry-run"]].concat();
    let again = of_ours(&operator.json(&again).await);
    let counts = [&again["lifted"], &again["restored"], &again["changed"]];
    assert_eq!(counts, [0, 0, 0], "{again}");
    assert_eq!(again["putBack"], json!({}), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_restore_continues_and_restores_all_settings() {
    const SPREAD: &str = "BansStream";
    let app = TestApp::start().await;
    app.control().set_timeout(Duration::from_secs(3));
    let workspace = app.workspace().await;
    workspace.link(PLACE).await;
    workspace.ban(permanent(KEPT)).await;
    app.quiet().await;
    copy(&app).await;
    workspace.unban(Unban::of(KEPT, PLACE)).await;
    app.quiet().await;
    app.runtime().reserve("unban-async", Some(3));
    app.control().enable(SPREAD, false);
    let settings = |app: &TestApp| -> BTreeMap<String, Option<u32>> {
        let names = app.runtime().names();
        names
            .map(|name| (name.to_owned(), app.runtime().reserved(name)))
            .collect()
    };
    let before = settings(&app);
    let operator = Operator::of(&workspace);
    let restore = ["--stack", "portcullis", "restore", "--from", COPY, "--yes"];

    // Lambda refuses while functions are stopped: until all are stopped, nothing is
    // restored.
    let stored = workspace.stored().await;
    app.control().refuse_after(Some(2));
    let refused = operator.run(&restore).await;
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("Lambda refused to change"), "{said}");
    assert_eq!(workspace.stored().await, stored);
    app.control().refuse_after(None);
    // The command is killed while it waits.
    let mut waiting = operator.spawn(&restore);
    eventually("all writers are stopped", async || {
        let stopped = ["ban-async", "publish-events", "unban-async"];
        let is_stopped = |name: &&str| app.runtime().reserved(name) == Some(0);
        stopped.iter().all(is_stopped).then_some(())
    })
    .await;
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    let other = ["--stack", "portcullis", "restore", "--from", "x", "--yes"];
    let other = operator.run(&other).await;
    let said = String::from_utf8(other.stderr).unwrap();
    assert!(said.contains("is in progress"), "{said}");
    // Lambda refuses while functions are started.
    let stopped = settings(&app).values().filter(|it| **it == Some(0)).count();
    let stopped = u32::try_from(stopped).unwrap();
    app.control().refuse_after(Some(stopped + 2));
    assert_eq!(operator.run(&restore).await.status.code(), Some(1));
    app.control().refuse_after(None);
    assert!(workspace.is_banned(KEPT, PLACE).await);
    // From then on the table is in use again, and new decisions stay.
    let user = MADE.to_string();
    let place = PLACE.to_string();
    let ban = [
        &["ban", &user, "--experience", &place, "--permanent"][..],
        &["--moderator", "1", "--public-reason", "x"][..],
        &["--private-reason", "x"][..],
    ];
    operator.json(&ban.concat()).await;
    let done = operator.run(&restore).await;
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(settings(&app), before);
    assert!(!app.control().is_enabled(SPREAD));
    assert!(app.control().is_enabled("EventsStream"));
    assert!(workspace.is_banned(MADE, PLACE).await);
    let cancel = ["--stack", "portcullis", "restore", "--cancel", "--yes"];
    let nothing = operator.run(&cancel).await;
    assert_eq!(nothing.status.code(), Some(1), "no restore is in progress");
}

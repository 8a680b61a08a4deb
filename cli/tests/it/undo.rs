//! Tests of `portcullis undo`.

use std::time::{Duration, SystemTime};

use crate::stack::{Operator, app, state};
use end_to_end::{Ban, KeySpec, Unban, Workspace};
use serde_json::{Value, json};

const ARENA: u64 = 11;
const BEACH: u64 = 12;

/// The current time in the form of `--since`, in milliseconds.
async fn instant() -> String {
    tokio::time::sleep(Duration::from_millis(5)).await;
    let now = SystemTime::now();
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let instant = jiff::Timestamp::from_millisecond(i64::try_from(since.as_millis()).unwrap());
    instant.unwrap().to_string()
}

async fn states(workspace: &Workspace<'_>, users: &[u64]) -> Vec<Value> {
    let mut states = Vec::new();
    for user in users {
        for experience in [ARENA, BEACH] {
            states.push(state(workspace, *user, experience).await);
        }
    }
    states
}

fn permanent(user: u64) -> Ban {
    Ban::of(user, ARENA).permanent()
}

#[tokio::test]
async fn undo_reverses_a_leaked_key_and_keeps_other_decisions() {
    let app = app().await;
    let ours = app.workspace().await;
    let leaked = ours.make_key(KeySpec::default()).await;
    let theirs = ours.with_key(&leaked);
    let (lifted, changed, banned, again, replaced) = (1, 2, 3, 4, 5);
    ours.ban(permanent(lifted)).await;
    ours.ban(permanent(changed).global()).await;
    ours.ban(permanent(replaced)).await;
    let users = [lifted, changed, banned, replaced];
    let before = states(&ours, &users).await;

    let since = instant().await;
    theirs.unban(Unban::of(lifted, ARENA)).await;
    theirs.ban(permanent(changed).global().length("1h")).await;
    theirs.ban(permanent(banned).global()).await;
    theirs.ban(permanent(again)).await;
    theirs.unban(Unban::of(replaced, ARENA)).await;
    theirs.ban(permanent(replaced).length("2h")).await;
    // An undo never reads activities.
    let mut activity = end_to_end::role_change(Some(banned));
    activity.key_id = ours.key_id(&leaked);
    assert!(ours.record(&activity).await);
    let until = instant().await;
    ours.ban(permanent(again).reasons("decided again", "by us"))
        .await;
    let after = states(&ours, &[again]).await;
    app.settle().await;

    let operator = Operator::of(&ours);
    let key = ours.key_id(&leaked);
    let nobody = ["undo", "--key", "nope", "--since", &since, "--yes"];
    let unknown = operator.run(&nobody).await;
    assert_eq!(unknown.status.code(), Some(1));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains("neither a key nope"), "{said}");
    let window = ["undo", "--key", &key, "--since", &since, "--until", &until];
    let stored = ours.stored().await;
    let would = operator.json(&[&window[..], &["--dry-run"]].concat()).await;
    assert_eq!(ours.stored().await, stored, "a dry run changes nothing");
    let summary = |list: &Value| {
        let list = list.as_array().unwrap().iter();
        list.map(|one| (one["userId"].clone(), one["decision"].clone()))
            .collect::<Vec<_>>()
    };
    let expected = [
        (lifted, "restored"),
        (changed, "changed"),
        (banned, "lifted"),
        (replaced, "lifted"),
        (replaced, "restored"),
    ];
    let expected = expected.map(|(user, decision)| (json!(user), json!(decision)));
    assert_eq!(summary(&would), expected);

    // Without an answer nothing changes.
    let refused = operator.run(&window).await;
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(ours.stored().await, stored);

    let undone = operator.run(&[&window[..], &["--yes"]].concat()).await;
    let said = String::from_utf8(undone.stderr).unwrap();
    assert_eq!(undone.status.code(), Some(0), "{said}");
    assert!(said.contains("is live"), "{said}");
    app.settle().await;
    assert_eq!(states(&ours, &users).await, before);
    assert_eq!(states(&ours, &[again]).await, after);
    let history = operator.json(&["history", &banned.to_string()]).await;
    let rows = history.as_array().unwrap().iter();
    let shown: Vec<_> = rows.map(|row| (&row["decision"], &row["event"])).collect();
    let (none, changed_role) = (Value::Null, json!("GROUP_ROLE_CHANGED"));
    let (made, lifted_again) = (json!("made"), json!("lifted"));
    let expected = [
        (&made, &none),
        (&none, &changed_role),
        (&lifted_again, &none),
    ];
    assert_eq!(shown, expected, "{history}");

    // The output says how to reverse the undo, which brings back the leaked key's state.
    let back = said.split_once("To reverse this: portcullis ").unwrap().1;
    let mut back: Vec<&str> = back.split_whitespace().collect();
    back.push("--yes");
    operator.json(&back).await;
    app.settle().await;
    assert!(!ours.is_banned(lifted, ARENA).await);
    assert!(ours.is_banned(banned, BEACH).await);
    assert_ne!(states(&ours, &users).await, before);
    assert_eq!(states(&ours, &[again]).await, after);

    // Reversing again brings back the result of the first undo.
    operator.json(&[&window[..], &["--yes"]].concat()).await;
}

#[tokio::test]
async fn undo_restores_the_state_before_random_decisions() {
    let app = app().await;
    for seed in 0..4 {
        let ours = app.workspace().await;
        let leaked = ours.make_key(KeySpec::default()).await;
        let theirs = ours.with_key(&leaked);
        let mut dice = fastrand::Rng::with_seed(seed);
        let (users, later) = ([1, 2, 3, 4, 5, 6], [7, 8]);
        for _ in 0..25 {
            decide(&ours, &mut dice, &users).await;
            decide(&ours, &mut dice, &later).await;
        }
        let before = states(&ours, &users).await;
        let since = instant().await;
        for _ in 0..25 {
            decide(&theirs, &mut dice, &users).await;
            decide(&theirs, &mut dice, &later).await;
        }
        let mut decided_since = Vec::new();
        for user in later {
            let ban = Ban::of(user, ARENA).global().permanent();
            ours.ban(ban.reasons("decided", "since")).await;
            ours.ban(
                Ban::of(user, ARENA)
                    .length("3d")
                    .reasons("since", "decided"),
            )
            .await;
            decided_since.push(state(&ours, user, ARENA).await);
        }
        app.settle().await;

        let operator = Operator::of(&ours);
        let key = ours.key_id(&leaked);
        let left = states(&ours, &users).await;
        let undo = ["undo", "--key", &key, "--since", &since, "--yes"];
        let undone = operator.run(&undo).await;
        let said = String::from_utf8(undone.stderr).unwrap();
        assert_eq!(undone.status.code(), Some(0), "seed {seed}: {said}");
        app.settle().await;
        assert_eq!(states(&ours, &users).await, before, "seed {seed}");
        for (user, expected) in later.iter().zip(&decided_since) {
            assert_eq!(state(&ours, *user, ARENA).await, *expected, "seed {seed}");
        }

        let back = said.split_once("portcullis undo ").unwrap().1;
        let back: Vec<&str> = back.split_whitespace().collect();
        operator
            .json(&[&["undo"], &back[..], &["--yes"]].concat())
            .await;
        app.settle().await;
        assert_eq!(states(&ours, &users).await, left, "seed {seed}");
    }
}

async fn decide(workspace: &Workspace<'_>, dice: &mut fastrand::Rng, users: &[u64]) {
    let user = users[dice.usize(..users.len())];
    let experience = [ARENA, BEACH][dice.usize(..2)];
    let mut ban = Ban::of(user, experience)
        .length(["2d", "9d", "400d"][dice.usize(..3)])
        .reasons(["a", "b"][dice.usize(..2)], "public");
    if dice.bool() {
        ban = ban.global();
    }
    if dice.bool() {
        ban = ban.applied();
    }
    let answer = match dice.u8(..4) {
        0 => workspace.try_unban(Unban::of(user, experience)).await,
        1 => workspace.try_ban(ban.appeal()).await,
        _ => workspace.try_ban(ban).await,
    };
    assert!([200, 404].contains(&answer.status), "{answer}");
}

#[tokio::test]
async fn import_is_undone_by_its_name() {
    let app = app().await;
    let (old, new) = (app.workspace().await, app.workspace().await);
    old.ban(permanent(1)).await;
    old.ban(permanent(2).global()).await;
    new.ban(permanent(3)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bans.json");
    let file = file.to_str().unwrap();
    Operator::of(&old).run(&["export", file]).await;
    let operator = Operator::of(&new);
    let since = instant().await;
    let imported = operator.json(&["import", file]).await;
    assert!(new.is_banned(1, ARENA).await && new.is_banned(2, BEACH).await);
    let name = imported["keyId"].as_str().unwrap();
    operator
        .json(&["undo", "--key", name, "--since", &since, "--yes"])
        .await;
    app.settle().await;
    let banned = [1, 2, 3].map(|user| new.is_banned(user, ARENA));
    let banned: Vec<bool> = futures::future::join_all(banned).await;
    assert_eq!(banned, [false, false, true]);
}

#[tokio::test]
async fn undo_of_a_moderator_follows_them_through_every_key() {
    let app = app().await;
    let ours = app.workspace().await;
    let operator = Operator::of(&ours);
    operator
        .json(&["member", "add", "Ada", "--roblox", "156"])
        .await;
    let bot = ours.with_key(&ours.make_key(KeySpec::default()).await);
    let since = instant().await;
    let by = |user, moderator: u64| permanent(user).with("banModerator", moderator);
    ours.ban(by(1, 156)).await;
    bot.ban(by(2, 156)).await;
    bot.ban(by(3, 157)).await;
    operator
        .json(&[
            "ban",
            "4",
            "-e",
            "11",
            "--reason",
            "Spam",
            "--moderator",
            "156",
            "--permanent",
            "--yes",
        ])
        .await;
    app.settle().await;

    let undo = |moderator| ["undo", "--moderator", moderator, "--since", &since, "--yes"];
    let dry = [&undo("Ada")[..], &["--dry-run"]].concat();
    let users = |list: Value| {
        let list = list.as_array().unwrap().clone().into_iter();
        list.map(|one| one["userId"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(users(operator.json(&dry).await), [1, 2, 4]);
    assert_eq!(users(operator.json(&undo("156")).await), [1, 2, 4]);
    assert_eq!(users(operator.json(&undo("Ada")).await), [0_u64; 0]);
    assert_eq!(users(operator.json(&undo("157")).await), [3]);
    let unknown = operator.run(&undo("Cy")).await;
    assert_eq!(unknown.status.code(), Some(1));
}

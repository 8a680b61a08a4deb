//! Real Luau: a game server's script on the fake of Roblox's engine.

mod evidence;
mod ranks;
mod roblox;

use std::sync::Arc;
use std::time::Duration;

use end_to_end::{Ban, KeySpec, TestApp, Unban, Workspace, eventually, now};
use roblox::{Experience, GameServer, script};
use roblox_engine::mlua::Table;
use shared::domain::keys::PinnedFlagFormat;

const ARENA: u64 = 75_521_396_999_004;
const BEACH: u64 = 7_002;

const CHEATER: u64 = 1_001;
const GUEST: u64 = 1_002;
const APPELLANT: u64 = 1_003;
const UNBANNED: u64 = 1_004;
const RUDE: u64 = 1_005;

async fn app() -> Arc<TestApp> {
    Arc::new(TestApp::builder().instances(2).start().await)
}

/// Each list matches the decisions, and nothing remains pending.
async fn assert_enforced(workspace: &Workspace<'_>, experience: &Experience) {
    for user in [CHEATER, GUEST, APPELLANT, UNBANNED, RUDE] {
        let decided = workspace.is_banned(user, experience.place).await;
        let listed = experience.listed().contains(&user);
        assert_eq!(
            listed, decided,
            "is {user} kept out of {}",
            experience.place
        );
    }
    workspace.await_pending_bans(experience.place, &[]).await;
    workspace.await_pending_unbans(experience.place, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn game_servers_apply_exactly_the_decisions() {
    let app = app().await;
    let workspace = app.workspace().await;
    let (arena, beach) = (Experience::new(&app, ARENA), Experience::new(&app, BEACH));
    let key = workspace.secret_key();
    let (first, second, other) = (
        GameServer::start(&app, &arena, key),
        GameServer::start(&app, &arena, key),
        GameServer::start(&app, &beach, key),
    );
    for server in [&first, &second, &other] {
        server.cycle();
        assert_eq!(server.join(CHEATER), None, "no one is banned yet");
    }

    // A bot bans everywhere; players already in the game are caught by the cycle, others when they
    // join.
    workspace
        .ban(
            Ban::of(CHEATER, ARENA)
                .permanent()
                .global()
                .reasons("clip 7", "Cheating"),
        )
        .await;
    assert_eq!(first.join(CHEATER).as_deref(), Some("Cheating"));
    assert_eq!(other.join(CHEATER).as_deref(), Some("Cheating"));
    workspace
        .ban(Ban::of(UNBANNED, BEACH).length("7d").global())
        .await;
    workspace.ban(Ban::of(APPELLANT, ARENA).permanent()).await;
    app.settle().await;
    // Two servers of one experience fetch the same lists; the second is slow.
    let slow: Table = second.call("fetch", ());
    first.cycle();
    other.cycle();
    assert_eq!(arena.listed(), [CHEATER, APPELLANT, UNBANNED]);
    assert_eq!(beach.listed(), [CHEATER, UNBANNED]);
    assert_eq!(arena.list()[&CHEATER].display_reason, "Cheating");
    assert_eq!(arena.list()[&CHEATER].private_reason, "clip 7");
    let week = arena.list()[&UNBANNED].duration;
    assert!(
        (604_700.0..=604_800.0).contains(&week),
        "7 days are {week} s"
    );

    // One ban is lifted and one appealed; only now the slow server continues with its outdated
    // lists.
    workspace.unban(Unban::of(UNBANNED, BEACH)).await;
    workspace.ban(Ban::of(APPELLANT, ARENA).appeal()).await;
    app.settle().await;
    first.cycle();
    assert_eq!(arena.listed(), [CHEATER]);
    second.call::<()>("apply", slow);
    assert_eq!(
        arena.listed(),
        [CHEATER, APPELLANT, UNBANNED],
        "it was late"
    );
    for user in [UNBANNED, APPELLANT] {
        assert!(
            !workspace.is_banned(user, ARENA).await,
            "a late server brought back a ban"
        );
    }

    // A moderator in the game bans briefly; a second one finds the ban, and a repeat changes
    // nothing.
    let until = now() + 4;
    assert_eq!(first.call::<u16>("ban", (9, RUDE, 4, "Language")), 200);
    assert_eq!(first.call::<u16>("ban", (9, RUDE, 4, "Language")), 200);
    assert_eq!(first.call::<u16>("ban", (8, RUDE, 4, "Language")), 409);
    assert!(arena.listed().contains(&RUDE) && !beach.listed().contains(&RUDE));
    assert_eq!(first.join(RUDE).as_deref(), Some("Language"));

    // The next cycle of any server corrects it, once the short ban has ended too.
    while now() <= until {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    app.settle().await;
    for server in [&first, &second, &other] {
        server.cycle();
    }
    assert_eq!(
        (arena.listed(), beach.listed()),
        (vec![CHEATER], vec![CHEATER])
    );
    for experience in [&arena, &beach] {
        assert_enforced(&workspace, experience).await;
    }
    for user in [GUEST, APPELLANT, UNBANNED, RUDE] {
        assert_eq!(second.join(user), None, "{user} is free");
        assert_eq!(other.join(user), None, "{user} is free");
    }
    // No call of the servers counted as a decision.
    assert_eq!(workspace.bans().await.len(), 4);
    assert_enforced(&workspace, &arena).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_joining_after_the_ban_ended_is_unbanned_on_join() {
    let app = app().await;
    let workspace = app.workspace().await;
    let arena = Experience::new(&app, ARENA);
    let server = GameServer::start(&app, &arena, workspace.secret_key());
    workspace.ban(Ban::of(APPELLANT, ARENA).permanent()).await;
    server.cycle();
    assert_eq!(server.call::<u16>("ban", (9, RUDE, 2, "Language")), 200);
    workspace.ban(Ban::of(APPELLANT, ARENA).appeal()).await;
    assert_eq!(arena.listed(), [APPELLANT, RUDE]);
    eventually("both are to be taken off the list", async || {
        (workspace.pending_unbans(ARENA).await.len() == 2).then_some(())
    })
    .await;

    assert_eq!((server.join(RUDE), server.join(APPELLANT)), (None, None));
    assert_enforced(&workspace, &arena).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn game_servers_get_only_boolean_flags() {
    let app = app().await;
    let workspace = app.workspace().await;
    let arena = Experience::new(&app, ARENA);
    workspace.ban(Ban::of(CHEATER, ARENA)).await;
    workspace.ban(Ban::of(UNBANNED, ARENA).applied()).await;
    workspace.unban(Unban::of(UNBANNED, ARENA)).await;
    let machine = GameServer::start(&app, &arena, workspace.secret_key());
    let lists: Table = machine.call("fetch", ());
    let check = "
        local item = ...
        for _, name in { 'isBanned', 'isGlobal', 'isActive', 'isAppealed', 'experienceUniversal',
            'experienceBanCompleted' } do
            assert(type(item[name]) == 'boolean', name .. ' is a ' .. type(item[name]))
        end
        return if item.isActive then 'holds' else 'ended'";
    let check = machine.function(check);
    let check = |item: Table| -> String { machine.run(&check, item) };
    let first = |list: &str| lists.get::<Table>(list).unwrap().get::<Table>(1).unwrap();
    assert_eq!(check(first("bans")), "holds");
    assert_eq!(check(first("unbans")), "ended");
}

/// Why flags are booleans: in Luau `0` is true, and the same script skips every pending ban.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_pinned_to_integer_flags_breaks_the_script() {
    let app = app().await;
    let workspace = app.workspace().await;
    let arena = Experience::new(&app, ARENA);
    let pinned = workspace
        .make_key(KeySpec::flags(PinnedFlagFormat::Integer))
        .await;
    workspace.ban(Ban::of(CHEATER, ARENA).permanent()).await;
    GameServer::start(&app, &arena, &pinned).cycle();
    assert_eq!(arena.listed(), [0_u64; 0]);
    workspace.await_pending_bans(ARENA, &[CHEATER]).await;
    GameServer::start(&app, &arena, workspace.secret_key()).cycle();
    assert_eq!(arena.listed(), [CHEATER]);
}

#[tokio::test(flavor = "multi_thread")]
async fn luau_json_is_accepted_and_every_response_decodes() {
    let app = app().await;
    let workspace = app.workspace().await;
    let arena = Experience::new(&app, ARENA);
    let machine = GameServer::start(&app, &arena, workspace.secret_key());
    let server = arena.server();
    let script = script(&app, &server, workspace.secret_key());
    let quirks = r#"
        local call = (...).call
        -- An empty table is sent as an array.
        local nothing, status, body = call("POST", "/unban-async", {})
        assert(nothing == nil and status == 400 and body.code == "invalid_request", body.message)
        assert(#body.errors == 2, "both fields are named")
        -- Not a number is no JSON.
        nothing, status, body = call("POST", "/is-banned", { userId = 0 / 0, experienceId = 1 })
        assert(status == 400 and body.code == "invalid_json")
        nothing, status, body = call("POST", "/is-banned", { userId = 1 / 0, experienceId = 1 })
        assert(status == 400 and body.code == "invalid_json")
        -- Every number is a double, the largest too.
        local largest = 2 ^ 53 - 1
        local data = call("POST", "/is-banned", { userId = largest, experienceId = game.PlaceId })
        assert(data.isBanned == false and data.expires == 0)
        nothing, status = call("POST", "/is-banned", { userId = 2 ^ 53, experienceId = 1 })
        assert(status == 400)
        nothing, status = call("POST", "/is-banned", { userId = 1.5, experienceId = 1 })
        assert(status == 400)
        -- Errors can be decoded, of unknown routes too.
        nothing, status, body = call("GET", "/nothing-here")
        assert(status == 404 and body.status == "error")
        -- A guid is over 2^53 and comes as a string.
        assert(call("POST", "/ban-async", {
            overwrite = false, userId = largest, experienceId = game.PlaceId, banModerator = 1,
            banType = "Experience", banLengthType = "Permanent", banLength = false,
            banPrivateReason = "text", banPublicReason = "text",
        }).status == "ok")
        data = call("POST", "/is-banned", { userId = largest, experienceId = game.PlaceId })
        assert(type(data.guid) == "string" and data.robloxId == largest)
        "#;
    server.run_with("quirks", quirks, script).wait::<()>();
    assert!(workspace.is_banned((1 << 53) - 1, ARENA).await);
    assert_eq!(machine.join((1 << 53) - 1).as_deref(), Some("text"));
}

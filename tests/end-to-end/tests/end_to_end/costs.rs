//! The access patterns cost what `docs/architecture.md` says, in DynamoDB's units.

use end_to_end::{ApiResponse, Ban, Call, KeySpec, TestApp, Unban, Workspace, eventually};
use local_stack::roblox::Group;
use serde_json::{Value, json};

use crate::bulk::copy_bans;
use crate::routes::{EXPERIENCE, USER, ban_history, change_rank};

/// Read units, write units and calls of the request with this response.
pub async fn cost(
    workspace: &Workspace<'_>,
    function: &str,
    answer: &ApiResponse,
) -> (f64, f64, u64) {
    assert_eq!(answer.status, 200, "{answer}");
    let log = workspace.app().log_of(function, answer).await;
    let number = |field: &str| {
        log[field]
            .as_f64()
            .unwrap_or_else(|| panic!("{field} in {log}"))
    };
    (
        number("readUnits"),
        number("writeUnits"),
        log["databaseCalls"].as_u64().unwrap(),
    )
}

/// The cost of a call when the function has the key and the link cached.
pub async fn warm(workspace: &Workspace<'_>, function: &str, call: &Call) -> (f64, f64, u64) {
    workspace.send(call.clone()).await;
    let answer = workspace.send(call.clone()).await;
    cost(workspace, function, &answer).await
}

fn check(user: u64) -> Call {
    Call::post("/is-banned").json(&json!({ "userId": user, "experienceId": EXPERIENCE }))
}

fn list(route: &str) -> Call {
    Call::get(route).query("experienceId", EXPERIENCE)
}

/// A workspace with this many users banned and applied in its experience.
async fn with_bans(app: &TestApp, count: u64) -> Workspace<'_> {
    let workspace = app.workspace().await;
    let ban = Ban::of(1_000_000, EXPERIENCE).permanent().applied();
    copy_bans(&workspace, ban, 1_000_001..1_000_000 + count).await;
    workspace
}

#[tokio::test]
async fn a_check_reads_two_small_items_in_one_call() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    assert_eq!(
        warm(&workspace, "is-banned", &check(USER)).await,
        (2.0, 0.0, 1)
    );
    for _ in 0..10 {
        workspace.ban(Ban::of(USER, EXPERIENCE)).await;
        workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    }
    workspace
        .ban(Ban::of(USER, EXPERIENCE).global().permanent())
        .await;
    assert_eq!(
        warm(&workspace, "is-banned", &check(USER)).await,
        (2.0, 0.0, 1)
    );

    // With the longest possible reasons the cost is the same.
    let (private, public) = ("a".repeat(1000), "b".repeat(400));
    workspace
        .ban(Ban::of(USER, EXPERIENCE).reasons(&private, &public))
        .await;
    workspace
        .ban(
            Ban::of(USER, EXPERIENCE)
                .global()
                .reasons(&private, &public),
        )
        .await;
    assert_eq!(
        warm(&workspace, "is-banned", &check(USER)).await,
        (2.0, 0.0, 1)
    );
}

#[tokio::test]
async fn a_check_with_an_uncached_key_and_link_reads_them_in_the_same_call() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let answer = workspace.send(check(USER)).await;
    assert_eq!(cost(&workspace, "is-banned", &answer).await, (4.0, 0.0, 1));
}

#[tokio::test]
async fn access_patterns_cost_the_same_for_2000_bans_as_for_10() {
    let app = TestApp::builder().without_stream().start().await;
    let mut costs = Vec::new();
    for count in [10, 2000] {
        let workspace = with_bans(&app, count).await;
        let mut of_workspace = Vec::new();
        let ban = Ban::of(USER, EXPERIENCE).permanent();
        // From here on the function has the key and the link cached.
        workspace.ban(Ban::of(9, EXPERIENCE)).await;
        workspace.unban(Unban::of(9, EXPERIENCE)).await;
        let calls = [
            ("ban-async", ban.call()),
            ("is-banned", check(USER)),
            ("pending-bans", list("/pending-bans")),
            ("ban-async", ban.clone().applied().call()),
            ("ban-async", ban.clone().applied().call()),
            ("ban-async", ban.clone().reasons("other", "other").call()),
            ("unban-async", Unban::of(USER, EXPERIENCE).call()),
            ("pending-unbans", list("/pending-unbans")),
            (
                "unban-async",
                Unban::of(USER, EXPERIENCE).report_only().call(),
            ),
            ("ban-async", ban.clone().global().call()),
            ("unban-async", Unban::of(USER, EXPERIENCE).call()),
            ("bans", Call::get("/bans").query("userId", USER)),
        ];
        for (function, call) in calls {
            let answer = workspace.send(call).await;
            of_workspace.push((function, cost(&workspace, function, &answer).await));
        }
        costs.push(of_workspace);
    }
    assert_eq!(costs[0], costs[1]);
    // A function without the key or the link cached reads one more unit for each.
    let expected = [
        ("ban-async", (3.0, 13.0, 4)),
        ("is-banned", (4.0, 0.0, 1)),
        ("pending-bans", (3.0, 0.0, 4)),
        ("ban-async", (2.0, 9.0, 2)),
        ("ban-async", (2.0, 0.0, 1)),
        ("ban-async", (3.0, 12.0, 3)),
        ("unban-async", (2.0, 13.0, 2)),
        ("pending-unbans", (3.0, 0.0, 4)),
        ("unban-async", (2.0, 9.0, 2)),
        ("ban-async", (3.0, 13.0, 4)),
        ("unban-async", (2.0, 12.0, 2)),
        ("bans", (1.5, 0.0, 2)),
    ];
    assert_eq!(costs[0], expected);
}

#[tokio::test]
async fn an_empty_poll_costs_half_a_read_unit() {
    let app = TestApp::builder().without_stream().start().await;
    for count in [10, 2000] {
        let workspace = with_bans(&app, count).await;
        for route in ["pending-bans", "pending-unbans"] {
            let call = list(&format!("/{route}"));
            assert_eq!(
                warm(&workspace, route, &call).await,
                (0.5, 0.0, 1),
                "{route}, {count}"
            );
        }
    }
}

#[tokio::test]
async fn a_poll_costs_in_proportion_to_its_pending_entries() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = with_bans(&app, 2000).await;
    for pending in 1..=10_u32 {
        workspace
            .ban(Ban::of(pending.into(), EXPERIENCE).permanent())
            .await;
        let expected = (0.5 + 0.5 * f64::from(pending), 0.0, 2);
        assert_eq!(
            warm(&workspace, "pending-bans", &list("/pending-bans")).await,
            expected
        );
    }
    for pending in 1..=10_u32 {
        workspace
            .ban(Ban::of(pending.into(), EXPERIENCE).permanent().applied())
            .await;
        workspace.unban(Unban::of(pending.into(), EXPERIENCE)).await;
        let expected = (0.5 + 0.5 * f64::from(pending), 0.0, 2);
        assert_eq!(
            warm(&workspace, "pending-unbans", &list("/pending-unbans")).await,
            expected
        );
    }
    // A page costs only itself.
    let page = list("/pending-unbans").query("limit", 3);
    assert_eq!(
        warm(&workspace, "pending-unbans", &page).await,
        (0.5 + 1.5, 0.0, 2)
    );
}

#[tokio::test]
async fn a_repeated_report_reads_two_items_and_writes_nothing() {
    let app = TestApp::start().await;
    let workspace = with_bans(&app, 10).await;
    let ban = Ban::of(USER, EXPERIENCE).permanent().applied();
    workspace.ban(ban.clone()).await;
    assert_eq!(
        warm(&workspace, "ban-async", &ban.call()).await,
        (2.0, 0.0, 1)
    );
    workspace.unban(Unban::of(USER, EXPERIENCE).applied()).await;
    let report = Unban::of(USER, EXPERIENCE).report_only();
    assert_eq!(
        warm(&workspace, "unban-async", &report.call()).await,
        (2.0, 0.0, 1)
    );
}

#[tokio::test]
async fn a_list_costs_only_its_own_page() {
    let app = TestApp::builder().without_stream().start().await;
    let mut pages: Vec<Vec<(f64, f64, u64)>> = Vec::new();
    for count in [200, 2000] {
        let workspace = with_bans(&app, count).await;
        let calls = [
            Call::get("/bans").query("limit", 10),
            list("/bans").query("limit", 10),
            Call::get("/bans").query("userId", 1_000_001),
        ];
        let mut costs = Vec::new();
        for call in calls {
            costs.push(warm(&workspace, "bans", &call).await);
        }
        pages.push(costs);
    }
    assert_eq!(pages[0], pages[1]);
    for (reads, writes, calls) in &pages[0] {
        assert!(
            *reads <= 4.0 && *writes == 0.0 && *calls <= 4,
            "{:?}",
            pages[0]
        );
    }
    assert_eq!(pages[0][2].2, 1, "the bans of one user lie in one place");
}

#[tokio::test]
async fn a_cap_adds_one_read_and_two_write_units_but_no_call() {
    let app = TestApp::builder().without_stream().start().await;
    let cap = std::num::NonZeroU32::new(1000);
    let mut costs = Vec::new();
    for (of_key, of_moderator) in [(None, None), (cap, None), (cap, cap)] {
        let workspace = app
            .workspace_with(|settings| settings.moderator_bans_per_hour = of_moderator)
            .await;
        let spec = KeySpec {
            bans_per_hour: of_key,
            ..KeySpec::default()
        };
        let workspace = workspace.with_key(&workspace.make_key(spec).await);
        workspace.ban(Ban::of(1, EXPERIENCE)).await;
        let answer = workspace.send(Ban::of(2, EXPERIENCE).call()).await;
        costs.push(cost(&workspace, "ban-async", &answer).await);
    }
    let [(reads, writes, calls), with_one, with_two] = costs[..] else {
        panic!("{costs:?}");
    };
    assert_eq!(with_one, (reads + 1.0, writes + 2.0, calls));
    assert_eq!(with_two, (reads + 2.0, writes + 4.0, calls));
}

#[tokio::test]
async fn ban_history_costs_its_lookup_and_later_decisions_on_the_user() {
    let app = TestApp::builder().without_stream().start().await;
    for count in [10, 2000] {
        let workspace = with_bans(&app, count).await;
        let ban = Ban::of(USER, EXPERIENCE).permanent();
        let guid = workspace.ban_shown(ban.clone()).await["guid"].clone();
        let call = ban_history(guid.as_str().unwrap());
        assert_eq!(
            warm(&workspace, "ban-history", &call).await,
            (1.5, 0.0, 2),
            "{count}"
        );
        // A decision of ordinary length is under 1 KB, and 4 KB are one unit.
        for number in 0..10 {
            let reason = format!("reason {number}");
            workspace.ban(ban.clone().reasons(&reason, &reason)).await;
        }
        let (reads, writes, calls) = warm(&workspace, "ban-history", &call).await;
        assert!((2.5..=3.5).contains(&reads), "{reads}");
        assert_eq!((writes, calls), (0.0, 2));
    }
}

#[tokio::test]
async fn a_global_decision_costs_one_read_and_three_writes_per_experience() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.link_all(1..=100).await;
    app.settle().await;
    let spent = || {
        let lines = app.runtime().logs("spread-decisions");
        let events: Vec<Value> = lines.iter().filter_map(|line| line.json()).collect();
        assert!(
            events.iter().all(|event| event.get("error").is_none()),
            "{events:#?}"
        );
        ["readUnits", "writeUnits"].map(|field| {
            events
                .iter()
                .filter_map(|event| event[field].as_f64())
                .sum::<f64>()
        })
    };
    let [reads, writes] = spent();
    workspace.ban(Ban::of(USER, 1).global().permanent()).await;
    app.settle().await;
    let after = eventually("the stream's work is logged", async || {
        let [_, written] = spent();
        (written > writes).then(spent)
    })
    .await;
    let (reads, writes) = (after[0] - reads, after[1] - writes);
    assert!((100.0..=110.0).contains(&reads), "{reads} read units");
    assert!((290.0..=310.0).contains(&writes), "{writes} write units");
}

#[tokio::test]
async fn a_change_of_rank_costs_one_write() {
    let app = TestApp::builder().without_stream().start().await;
    let secret = "portcullis/local/ranks";
    app.secrets().set(secret, "a key");
    app.roblox().add_key("a key", &[]);
    let mut group = Group::new(&[(101, 1), (110, 10), (250, 250)]).with(1, &[101, 250]);
    for user in [USER, USER + 1, USER + 2] {
        group = group.with(user, &[101]);
    }
    app.roblox().set_group(7, group);
    let workspace = app.workspace().await;
    workspace.allow_group(7, secret, |_| {}).await;
    let paid = async |call: Call| {
        let answer = workspace.send(call).await;
        cost(&workspace, "group-role", &answer).await
    };
    // The key, the group's settings, and the workspace's.
    assert_eq!(paid(change_rank(USER)).await, (3.0, 1.0, 4));
    assert_eq!(paid(change_rank(USER + 1)).await, (0.0, 1.0, 1));
    assert_eq!(paid(change_rank(USER + 1)).await, (0.0, 0.0, 0));
    let named = || change_rank(USER + 2).header("idempotency-key", "a");
    assert_eq!(paid(named()).await, (1.0, 2.0, 3));
    assert_eq!(paid(named()).await, (1.0, 0.0, 1));
}

//! Threads and clocks.

use super::{PLACE, assert_no_errors, seconds, universe};

#[test]
fn threads_interleave_in_virtual_time() {
    let universe = universe();
    let server = universe.start(PLACE);
    let began = universe.now();
    let order: Vec<String> = server
        .run(
            "threads",
            r#"
            local order = {}
            local function note(text)
                table.insert(order, text)
            end
            task.delay(2, note, "later")
            task.defer(note, "deferred")
            local cancelled = task.delay(1, note, "cancelled")
            task.cancel(cancelled)
            task.spawn(function()
                note("spawned")
                local waited = task.wait(3600)
                assert(waited >= 3600 and waited < 3601)
                note("an hour")
            end)
            note("first")
            local before, clock = os.time(), os.clock()
            task.wait(7200)
            assert(os.time() - before >= 7200 and os.clock() - clock >= 7200)
            assert(DateTime.now().UnixTimestamp == os.time() and time() >= 7200)
            return order
            "#,
        )
        .wait();
    assert_eq!(order, ["spawned", "first", "deferred", "later", "an hour"]);
    assert!(universe.now() - began >= seconds(7200));
    assert_no_errors(&universe);
}

#[test]
fn error_ends_only_its_thread_and_is_recorded() {
    let universe = universe();
    let server = universe.start(PLACE);
    let lived: bool = server
        .run(
            "threads",
            r#"
            task.spawn(error, "at once")
            task.delay(1, function() error("later") end)
            local worked, problem = pcall(function() task.wait(1) error("caught", 0) end)
            assert(not worked and problem == "caught")
            task.wait(2)
            return true
            "#,
        )
        .wait();
    assert!(lived);
    let errors = universe.errors();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].contains("at once") && errors[1].contains("later"));
}

#[test]
fn unknown_members_and_new_globals_are_noticed() {
    let universe = universe();
    let server = universe.start(PLACE);
    server
        .run(
            "members",
            r#"
            local function raises(text, call, ...)
                local worked, problem = pcall(call, ...)
                assert(not worked and string.find(tostring(problem), text, 1, true), problem)
            end
            raises("not a valid Service", game.GetService, game, "Nothing")
            raises("not a valid member", function() return game.Nothing end)
            raises("cannot set", function() game.JobId = "mine" end)
            raises("not a valid member", function() return Enum.SortDirection.Up end)
            raises("Expected ':'", game.GetService, "Players")
            assert(typeof(game) == "Instance" and typeof(Enum.SortDirection.Ascending) == "EnumItem")
            assert(game:GetService("Players") == game:GetService("Players"))
            assert(game.JobId ~= "" and game.PlaceId == 7)
            leaked = 1
            "#,
        )
        .wait::<()>();
    assert_eq!(server.new_globals(), ["leaked"]);
}

#[test]
fn same_seed_gives_the_same_run() {
    let run = || -> Vec<f64> {
        let universe = universe();
        let server = universe.start(PLACE);
        let script = "
            local random = Random.new()
            local store = game:GetService('MemoryStoreService'):GetHashMap('a')
            store:SetAsync('k', 1, 60)
            return { math.random(), random:NextNumber(), random:NextInteger(1, 1000), os.clock() }";
        server.run("random", script).wait()
    };
    assert_eq!(run(), run());
}

//! What all servers of a universe share.

use std::time::Duration;

use roblox_engine::MemoryFault;
use serde_json::json;

use super::{PLACE, assert_no_errors, seconds, universe};

#[test]
fn memory_store_is_shared_limited_and_expires() {
    let universe = universe();
    let (one, two) = (universe.start(PLACE), universe.start(PLACE));
    one.run(
        "one",
        r#"
        local map = game:GetService("MemoryStoreService"):GetHashMap("lease")
        local function raises(text, method, ...)
            local worked, problem = pcall(map[method], map, ...)
            assert(not worked and string.find(problem, text, 1, true), problem)
        end
        map:SetAsync("a", { holder = "one" }, 60)
        raises("key", "SetAsync", string.rep("k", 129), 1, 60)
        raises("32 KB", "SetAsync", "big", string.rep("v", 32769), 60)
        raises("expiration", "SetAsync", "long", 1, 3888001)
        raises("mixed", "SetAsync", "mixed", { 1, a = 2 }, 60)
        raises("yield", "UpdateAsync", "a", function() task.wait() end, 60)
        for index = 1, 2 do
            map:SetAsync("part" .. index, string.rep("v", 30000), 60)
        end
        raises("MemoryOverLimit", "SetAsync", "part3", string.rep("v", 30000), 60)
        "#,
    )
    .wait::<()>();
    assert_eq!(universe.memory().refused(), 1);
    let take = r#"
        local map = game:GetService("MemoryStoreService"):GetHashMap("lease")
        return map:UpdateAsync("a", function(old)
            if old then
                return nil
            end
            return { holder = "two" }
        end, 60) ~= nil"#;
    assert!(!two.run("two", take).wait::<bool>(), "the lease is held");
    universe.run_for(seconds(61));
    assert!(two.run("two", take).wait::<bool>(), "the lease has ended");
    universe.memory().set_fault(MemoryFault::Unavailable);
    assert!(two.run("two", take).try_wait::<bool>().is_err());
    universe.memory().set_fault(MemoryFault::None);
    let flood = r#"
        local map = game:GetService("MemoryStoreService"):GetHashMap("lease")
        local failed = 0
        for _ = 1, 1001 do
            task.spawn(function()
                if not pcall(map.GetAsync, map, "a") then
                    failed += 1
                end
            end)
        end
        task.wait(1)
        return failed"#;
    universe.run_for(seconds(61));
    assert_eq!(two.run("flood", flood).wait::<u64>(), 1);
}

#[test]
fn sorted_map_returns_ranges() {
    let universe = universe();
    let server = universe.start(PLACE);
    server
        .run(
            "sorted",
            r#"
            local map = game:GetService("MemoryStoreService"):GetSortedMap("changes")
            for index = 1, 5 do
                map:SetAsync("k" .. index, index * 10, 60, 6 - index)
            end
            local function keys(...)
                local list = {}
                for _, item in map:GetRangeAsync(...) do
                    table.insert(list, item.key)
                end
                return table.concat(list, " ")
            end
            local up, down = Enum.SortDirection.Ascending, Enum.SortDirection.Descending
            assert(keys(up, 2) == "k5 k4")
            assert(keys(down, 200) == "k1 k2 k3 k4 k5")
            assert(keys(up, 10, { sortKey = 2, key = "k4" }) == "k3 k2 k1")
            local value, sort = map:GetAsync("k1")
            assert(value == 10 and sort == 5 and map:GetSizeAsync() == 5)
            map:RemoveAsync("k1")
            assert(map:GetAsync("k1") == nil)
            "#,
        )
        .wait::<()>();
    assert_no_errors(&universe);
}

#[test]
fn messages_arrive_late_twice_or_never() {
    let universe = universe();
    let listen = r#"
        local service = game:GetService("MessagingService")
        service:SubscribeAsync("topic", function(message)
            print(message.Data, message.Sent <= os.time())
        end)"#;
    let servers = [universe.start(PLACE), universe.start(PLACE)];
    for server in &servers {
        server.run("listen", listen).wait::<()>();
    }
    universe.publish("topic", "from the cloud");
    universe.publish("other", "not heard");
    universe.run_for(Duration::from_millis(400));
    assert_eq!(universe.messaging().delivered(), 0);
    universe.run_for(seconds(2));
    for server in &servers {
        assert_eq!(server.log(), ["from the cloud true"]);
    }
    universe.messaging().set_unreliable(1.0, 0.0);
    universe.publish("topic", "lost");
    universe.messaging().set_unreliable(0.0, 1.0);
    universe.publish("topic", "twice");
    universe.run_for(seconds(3));
    assert_eq!(universe.messaging().delivered(), 6);
    let long = "game:GetService('MessagingService'):PublishAsync('topic', string.rep('a', 1025))";
    assert!(servers[0].run("long", long).try_wait::<()>().is_err());
}

#[test]
fn data_store_outlives_servers() {
    let universe = universe();
    let write = r#"
        local store = game:GetService("DataStoreService"):GetDataStore("outbox")
        store:SetAsync("b", { intents = { "x" } })
        store:SetAsync("a", 1)
        store:UpdateAsync("a", function(old) return old + 1 end)"#;
    universe.start(PLACE).run("write", write).wait::<()>();
    let read = r#"
        local store = game:GetService("DataStoreService"):GetDataStore("outbox")
        assert(store:GetAsync("b").intents[1] == "x" and store:GetAsync("none") == nil)
        local pages, keys = store:ListKeysAsync("", 1), {}
        while true do
            for _, key in pages:GetCurrentPage() do
                table.insert(keys, key.KeyName)
            end
            if pages.IsFinished then
                break
            end
            pages:AdvanceToNextPageAsync()
        end
        assert(table.concat(keys) == "ab")
        return store:RemoveAsync("a")"#;
    let server = universe.start(PLACE);
    assert_eq!(server.run("read", read).wait::<u64>(), 2);
    universe.data().set_failing(1.0);
    assert!(server.run("read", read).try_wait::<u64>().is_err());
}

#[test]
fn configuration_reaches_servers_within_a_minute() {
    let universe = universe();
    universe.configure("mode", json!("allow"));
    let server = universe.start(PLACE);
    let script = r#"
        local config = game:GetService("ConfigService"):GetConfigAsync()
        assert(config:GetValue("mode") == "allow" and config:GetValue("none") == nil)
        config:GetValueChangedSignal("mode"):Connect(print)
        config.UpdateAvailable:Connect(function() config:Refresh() end)"#;
    server.run("config", script).wait::<()>();
    universe.configure("mode", json!("refuse"));
    universe.run_for(seconds(14));
    assert_eq!(server.log(), [""; 0]);
    universe.run_for(seconds(50));
    assert_eq!(server.log(), ["refuse allow"]);
    assert_no_errors(&universe);
}

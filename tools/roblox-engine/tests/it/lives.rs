//! Players and servers come and go.

use roblox_engine::{End, Stay};

use super::{PLACE, assert_no_errors, seconds, universe};

fn ends(stays: &[Stay]) -> Vec<End> {
    stays
        .iter()
        .filter_map(|stay| Some(stay.end.clone()?.1))
        .collect()
}

#[test]
fn players_join_leave_and_are_kicked() {
    let universe = universe();
    let server = universe.start(PLACE);
    server.join(5);
    server
        .run(
            "players",
            r#"
            local Players = game:GetService("Players")
            local removed = {}
            Players.PlayerAdded:Connect(function(player)
                if player.UserId == 6 then
                    player:Kick("not you")
                end
            end)
            Players.PlayerRemoving:Connect(function(player)
                table.insert(removed, player.Name)
            end)
            assert(#Players:GetPlayers() == 1 and Players:GetPlayerByUserId(5).Name == "User5")
            assert(Players:GetPlayerByUserId(6) == nil)
            task.wait(10)
            assert(table.concat(removed, " ") == "User6 User5", table.concat(removed, " "))
            "#,
        )
        .is_done();
    server.join(6);
    universe.run_for(seconds(1));
    assert_eq!(server.players(), [5]);
    server.leave(5);
    universe.run_for(seconds(10));
    assert_eq!(ends(&universe.stays().of(5)), [End::Left]);
    let kicked = End::Kicked("not you".to_owned());
    assert_eq!(ends(&universe.stays().of(6)), [kicked]);
    assert_no_errors(&universe);
}

#[test]
fn native_ban_removes_players_everywhere_and_refuses_them() {
    let universe = universe();
    let (one, two) = (universe.start(PLACE), universe.start(PLACE + 1));
    two.join(5);
    let ban = r#"
        local Players = game:GetService("Players")
        Players:BanAsync({
            UserIds = { 5 }, Duration = 60, DisplayReason = "shown", PrivateReason = "hidden",
        })"#;
    one.run("ban", ban).wait::<()>();
    universe.run_for(seconds(2));
    assert!(!two.join(5), "the ban list refuses them");
    universe.run_for(seconds(60));
    assert!(two.join(5), "the ban is over");
    let shown = || "shown".to_owned();
    let expected = [End::Banned(shown()), End::Refused(shown())];
    assert_eq!(ends(&universe.stays().of(5)), expected);
    let unban = "game:GetService('Players'):UnbanAsync({ UserIds = { 5 } })";
    one.run("unban", unban).wait::<()>();
    assert_eq!(universe.bans().users(), [0; 0]);
    assert_eq!(universe.bans().changes(), ["ban 5", "unban 5"]);
}

#[test]
fn invalid_native_bans_raise() {
    let universe = universe();
    universe.bans().set_inappropriate(|reason| reason == "rude");
    universe.bans().set_failing(|user| *user == 9);
    let server = universe.start(PLACE);
    server
        .run(
            "bans",
            r#"
            local Players = game:GetService("Players")
            local function raises(text, change)
                local config = {
                    UserIds = { 5 }, Duration = -1, DisplayReason = "shown", PrivateReason = "hidden",
                }
                for name, value in change do
                    config[name] = value
                end
                local worked, problem = pcall(Players.BanAsync, Players, config)
                assert(not worked and string.find(problem, text, 1, true), problem)
            end
            raises("Duration", { Duration = 0 })
            raises("Duration", { Duration = 1.5 })
            raises("DisplayReason", { DisplayReason = string.rep("a", 401) })
            raises("PrivateReason", { PrivateReason = string.rep("a", 1001) })
            raises("UserIds", { UserIds = {} })
            raises("UserIds", { UserIds = table.create(51, 5) })
            raises("not a valid field", { Reason = "a" })
            raises("must be a boolean", { ApplyToUniverse = 1 })
            raises("deemed inappropriate", { DisplayReason = "rude" })
            raises("failure for UserId 9", { UserIds = { 8, 9 } })
            "#,
        )
        .wait::<()>();
    assert_eq!(universe.bans().users(), [8]);
}

#[test]
fn closing_server_gets_thirty_seconds() {
    let universe = universe();
    let script = r#"
        local wait = ...
        game:BindToClose(function(reason)
            assert(reason == Enum.CloseReason.DeveloperShutdown)
            task.wait(wait)
            print("done")
        end)"#;
    let (quick, slow) = (universe.start(PLACE), universe.start(PLACE));
    quick.join(5);
    quick.run_with("quick", script, 5).wait::<()>();
    slow.run_with("slow", script, 31).wait::<()>();
    quick.close("DeveloperShutdown");
    slow.close("DeveloperShutdown");
    universe.run_for(seconds(6));
    assert!(!quick.is_alive() && slow.is_alive());
    universe.run_for(seconds(60));
    assert!(!slow.is_alive());
    assert_eq!((quick.log().len(), slow.log().len()), (1, 0));
    assert_eq!(ends(&universe.stays().of(5)), [End::ServerClosed]);
    assert_no_errors(&universe);
}

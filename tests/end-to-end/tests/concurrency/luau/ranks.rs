//! Changes of ranks from a script, with the calls that the published ranking module makes.

use end_to_end::Workspace;
use local_stack::roblox::Group;

use super::roblox::Experience;
use super::{ARENA, CHEATER, app};

const GROUP: u64 = 7;
const BOT: u64 = 1;

async fn allow(workspace: &Workspace<'_>) {
    let (app, secret) = (workspace.app(), "portcullis/local/ranks");
    app.secrets().set(secret, "a key");
    app.roblox().add_key("a key", &[]);
    let group = Group::new(&[(101, 1), (110, 10), (250, 250)]);
    let group = group.with(BOT, &[101, 250]).with(CHEATER, &[101]);
    app.roblox().set_group(GROUP, group);
    workspace.allow_group(GROUP, secret, |_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn script_changes_a_rank_if_it_encodes_the_body() {
    let app = app().await;
    let workspace = app.workspace().await;
    allow(&workspace).await;
    let arena = Experience::new(&app, ARENA);
    let entry = format!("{}/api/v1/group-role", app.address());
    let script = r#"
        local url, key = ...
        local http = game:GetService("HttpService")
        local players = game:GetService("Players")
        local function options(userId, rankId)
            local name = players:GetNameFromUserIdAsync(userId)
            assert(players:GetUserIdFromNameAsync(name) == userId)
            assert(game:GetService("GroupService"):GetGroupInfoAsync(7))
            return {
                Url = url,
                Method = "PATCH",
                Headers = { ["Content-Type"] = "application/json", Authorization = "Bearer " .. key },
                Body = { userId = userId, groupId = 7, rankId = rankId },
            }
        end
        -- The published module passes a table as the body, which is never sent.
        local worked, problem = pcall(http.RequestAsync, http, options(1001, 10))
        assert(not worked and string.find(tostring(problem), "must be a string", 1, true))

        local function setRank(userId, rankId)
            local options = options(userId, rankId)
            options.Body = http:JSONEncode(options.Body)
            local response = http:RequestAsync(options)
            return response.StatusCode, http:JSONDecode(response.Body)
        end
        local status, body = setRank(1001, 10)
        assert(status == 200 and body.status == "ok")
        -- The module accepts rank 255, and cannot know who is a member.
        status, body = setRank(1001, 255)
        assert(status == 400 and body.errors[1].field == "rankId")
        status, body = setRank(1002, 10)
        assert(status == 404 and body.status == "error")
        status, body = setRank(1, 10)
        assert(status == 403 and body.code == "forbidden")
        "#;
    let arguments = (entry, workspace.secret_key());
    let server = arena.server();
    server.run_with("ranks", script, arguments).wait::<()>();
    assert_eq!(app.roblox().roles_of(GROUP, CHEATER), [101, 110]);
    assert_eq!(app.roblox().role_changes(), ["assign 110 1001"]);
}

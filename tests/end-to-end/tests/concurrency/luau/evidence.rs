//! Evidence from a script, with the calls that the published evidence module makes.

use end_to_end::{Ban, KeySpec};
use roblox_engine::mlua::Table;
use shared::domain::keys::KeyScope;

use super::roblox::Experience;
use super::{ARENA, CHEATER, app};

#[tokio::test(flavor = "multi_thread")]
async fn script_creates_reads_edits_and_deletes_evidence() {
    let app = app().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(CHEATER, ARENA).permanent();
    let ban = workspace.ban_shown(ban).await;
    let bans = workspace
        .make_key(KeySpec::scopes(&KeyScope::DEFAULT))
        .await;
    let arena = Experience::new(&app, ARENA);
    let server = arena.server();
    let entry = format!("{}/api/v1", app.address());
    let module = include_str!("evidence.luau");
    let start = |key: &str| -> Table {
        let arguments = (entry.as_str(), key);
        server.run_with("evidence", module, arguments).wait()
    };
    let own = start(workspace.secret_key());
    let (public, bans) = (start(workspace.public_key()), start(&bans));
    let script = r#"
        local case, workspace, own, public, bans = ...
        local text = 'seen at spawn: "?>?>" \u{1F600}'
        local ok, made = own:create(case, text)
        assert(ok and made.status == nil)
        -- The module's type promises the guid; both it and the server return the whole body.
        local guid = made.evidenceGuid
        assert(type(guid) == "string" and made.caseId == case)

        local ok, shown = own:metadata(guid)
        assert(ok)
        for _, field in { "streamUri", "evidenceGuid", "worskpaceGuid", "created", "updated", "createdBy",
            "fileName", "caseId", "evidenceType" } do
            assert(type(shown[field]) == "string", field)
        end
        assert(shown.worskpaceGuid == workspace and shown.evidenceType == "Metadata")
        assert(shown.metadata.comment == "" and shown.metadata.customS3 == false)
        assert(shown.archivePending == false)

        assert(own:edit(guid, { comment = "round 3", tags = { "fly" }, place = game.PlaceId }))
        -- An empty table is sent as an array, and a field that is nil is not sent at all.
        assert(own:edit(guid, {}))
        assert(own:edit(guid, { comment = nil }))
        ok, shown = own:metadata(guid)
        assert(ok and shown.metadata.comment == "round 3" and shown.metadata.tags[1] == "fly")
        assert(shown.metadata.place == game.PlaceId)
        -- A list of values is no object.
        assert(own:edit(guid, { "round 4" }) == false)

        assert(own:create("1", text) == false, "there is no such ban")
        assert(own:create(case, "") == false, "an empty text")
        for _, key in { public, bans } do
            assert(key:create(case, text) == false)
            assert(key:metadata(guid) == false)
            assert(key:edit(guid, { comment = "mine" }) == false)
            assert(key:delete(guid) == false)
        end

        assert(own:delete(guid))
        assert(own:delete(guid), "a repeat after a lost answer succeeds")
        assert(own:metadata(guid) == false)
        assert(own:delete("1") == false)

        -- The longest text that the module's encoder can take.
        assert(own:create(case, string.rep("x", 7000)))
        "#;
    let case = ban["guid"].as_str().unwrap();
    let arguments = (case, workspace.guid(), own, public, bans);
    server
        .run_with("moderation", script, arguments)
        .wait::<()>();
}

"""What a studio does with the API, on any deployment and any database engine."""

import base64
import csv
import hashlib
import io

from api import fetch, wait

PLACE, OTHER = 1818, 1819
README_BAN = {
    "overwrite": False, "userId": 156, "experienceId": PLACE, "banModerator": 1, "banType": "Experience",
    "banLengthType": "Temporary", "banLength": "7d", "banPrivateReason": "speed hack, see #42",
    "banPublicReason": "Cheating"}
REPORT = "?experienceBanCompleted=true"
LIFTED = "?experienceUnbanCompleted=true"


def run(api, at_once=True):
    """Everything that needs no operator."""
    ban_and_unban(api)
    report(api)
    repeat(api)
    if at_once:
        bulk(api)
    propagate(api)
    lists(api)
    sync(api)
    account_links(api)
    text_as_evidence(api)
    file_as_evidence(api)
    refusals(api)


def ban_and_unban(api):
    """README's calls, then reports by a game server."""
    assert api.call("POST", "/ban-async", README_BAN) == {"status": "ok"}
    check = {"userId": 156, "experienceId": PLACE}
    found = api.call("POST", "/is-banned", check)
    assert (found["isBanned"], found["privateReason"]) == (True, "speed hack, see #42"), found
    [pending] = api.call("GET", f"/pending-bans?experienceId={PLACE}")["list"]
    assert pending["robloxId"] == 156, pending
    api.call("POST", f"/ban-async{REPORT}", {**README_BAN, "overwrite": True, "banLength": pending["expires"]})
    assert api.call("GET", f"/pending-bans?experienceId={PLACE}")["list"] == []
    assert api.call("POST", "/is-banned", check)["experienceBanCompleted"] is True
    checked = api.call("POST", "/is-banned/batch", {"experienceId": PLACE, "userIds": [156, 2], "consistent": True})
    assert [ban["robloxId"] for ban in checked["banned"]] == [156], checked
    assert (checked["checked"], checked["unprocessed"]) == (2, []), checked

    lifted = api.call("POST", "/unban-async", {**check, "reason": "Wrong user", "moderatorId": 2},
                      {"prefer": "return=representation"})
    assert lifted["ban"]["isActive"] in (0, False), lifted
    assert api.call("POST", "/is-banned", check)["isBanned"] is False
    [pending] = api.call("GET", f"/pending-unbans?experienceId={PLACE}")["list"]
    assert pending["robloxId"] == 156, pending
    api.call("POST", f"/unban-async{LIFTED}", {**check, "reason": "Ban automatically expired."},
             {"roblox-id": str(PLACE)})
    assert api.call("GET", f"/pending-unbans?experienceId={PLACE}")["list"] == []


def report(api):
    """A game server reports exactly which changes it has applied, and which have failed."""
    api.call("POST", "/ban-async", {**README_BAN, "userId": 161})
    [pending] = api.call("GET", f"/pending-bans?experienceId={PLACE}")["list"]
    applied = {"userId": 161, "guid": pending["guid"], "revision": pending["revision"], "applied": "ban", "ok": True}
    unknown = {**applied, "guid": "1", "applied": "unban"}

    def statuses(*reports, headers=None):
        answer = api.call("POST", "/reports", {"experienceId": PLACE, "reports": reports}, headers)
        return [result["status"] for result in answer["results"]]

    assert statuses({**applied, "ok": False, "error": "HTTP 500"}) == ["noted"]
    [failing] = api.call("GET", f"/pending-bans?experienceId={PLACE}")["list"]
    assert (failing["failures"], failing["error"]) == (1, "HTTP 500"), failing
    for _ in range(2):
        assert statuses(applied, unknown, headers={"idempotency-key": "reports"}) == ["ok", "unknown"]
    assert api.call("GET", f"/pending-bans?experienceId={PLACE}")["list"] == []
    api.call("POST", "/ban-async", {**README_BAN, "userId": 161, "overwrite": True, "banLength": "9d"})
    assert statuses(applied) == ["superseded"]


def repeat(api):
    """A call with an Idempotency-Key answers as it did, also after another change of the ban."""
    first, once = {**README_BAN, "userId": 160}, {"idempotency-key": "first", "prefer": "return=representation"}
    made = api.call("POST", "/ban-async", first, once)["ban"]
    api.call("POST", "/ban-async", {**first, "overwrite": True, "banLength": "9d"})
    assert api.call("POST", "/ban-async", first, once)["ban"] == made


def bulk(api):
    """Many users in one call, sent again while some are unprocessed or the database is busy, and once more."""
    fields = {name: README_BAN[name] for name in README_BAN if name not in ("overwrite", "userId", "experienceId")}
    bans = {"experienceId": PLACE, "defaults": fields, "users": [*range(1001, 1011), {"userId": 160}]}

    def send(route, body, key):
        def whole():
            status, answer = api.answer("POST", route, body, {"idempotency-key": key})
            assert status in (200, 503), (status, answer)
            return answer if status == 200 and not answer["counts"]["unprocessed"] else None
        return wait(f"{route} is complete", whole, 60)

    first = send("/bans/bulk", bans, "raid")
    assert (first["counts"]["banned"], first["results"][-1]["code"]) == (10, "already_banned"), first
    assert send("/bans/bulk", bans, "raid") == first
    # Each is also a possible late report.
    report = {**bans, "overwrite": True, "defaults": {**fields, "banLength": "8d"}}
    changed = send(f"/bans/bulk{REPORT}", report, "longer")
    assert changed["counts"]["changed"] == 11, changed
    unbans = {"experienceId": PLACE, "defaults": {"reason": "Wrong users"}, "users": list(range(1001, 1012))}
    for name in ["unbanned", "unchanged"]:
        lifted = send("/unbans/bulk", unbans, name)
        assert (lifted["counts"][name], lifted["counts"]["refused"]) == (10, 1), lifted
    assert api.call("POST", "/is-banned", {"userId": 1001, "experienceId": PLACE})["isBanned"] is False


def propagate(api):
    """A Global ban becomes pending in every linked experience, and lifting it too."""
    api.call("GET", f"/pending-bans?experienceId={OTHER}")
    everywhere = {**README_BAN, "userId": 157, "banType": "Global", "banLengthType": "Permanent", "banLength": None}
    api.call("POST", "/ban-async", everywhere)

    def users(route, place):
        return [ban["robloxId"] for ban in api.call("GET", f"{route}?experienceId={place}")["list"]]

    wait("the Global ban is pending in the other experience", lambda: 157 in users("/pending-bans", OTHER))
    assert api.call("POST", "/is-banned", {"userId": 157, "experienceId": 99})["isGlobal"] is True
    api.call("POST", f"/ban-async{REPORT}", {**everywhere, "experienceId": OTHER, "overwrite": True})
    api.call("POST", "/unban-async", {"userId": 157, "experienceId": PLACE, "reason": "Appealed", "moderatorId": 1})
    wait("the unban is pending in the other experience", lambda: 157 in users("/pending-unbans", OTHER))


def lists(api):
    bans = api.call("GET", "/bans")["list"]
    assert {ban["robloxId"] for ban in bans} >= {156, 157}, bans
    of_place = api.call("GET", f"/bans?experienceId={PLACE}")["list"]
    assert 156 in [ban["robloxId"] for ban in of_place], of_place
    [own] = api.call("GET", "/bans?userId=156")["list"]
    history = api.call("GET", f"/bans/{own['guid']}")
    assert [event["event"] for event in history["events"]][:1] == ["GAME_BANNED"], history

    def logged():
        return {event["event"] for event in api.call("GET", "/events?limit=100")["list"]}

    wait("all decisions are events", lambda: logged() >= {"GAME_BANNED", "GAME_UNBANNED"})
    exported = api.call("GET", "/export/bans/json")["list"]
    assert len(exported) == len(bans), exported
    rows = list(csv.DictReader(io.StringIO(api.call("GET", "/export/bans/csv").decode())))
    assert len(rows) == len(bans), rows


def sync(api):
    """A reader that follows /sync learns of a changed ban."""
    start = api.call("GET", "/sync")
    assert start["userIds"] == [] and start["reset"] in (0, False), start
    api.call("POST", "/ban-async", {**README_BAN, "userId": 160, "overwrite": True, "banLength": "11d"})
    wait("/sync names the user",
         lambda: 160 in api.call("GET", f"/sync?cursor={start['cursor']}&worker=1")["userIds"])


def a_ban(api, user):
    """The guid of a new ban."""
    api.call("POST", "/ban-async", {**README_BAN, "userId": user})
    return api.call("GET", f"/bans?userId={user}")["list"][0]["guid"]


def account_links(api):
    """A code that is replaced, redeemed and repeated; an import that is proven, looked up and removed."""
    discord, other = "80351110224678912", "175928847299117063"

    def once(name):
        return {"idempotency-key": f"link-{name}"}

    api.call("POST", "/links/codes", {"discordId": discord})
    made = api.call("POST", "/links/codes", {"discordId": discord, "discordName": "Ada"}, once("code"))
    assert api.call("POST", "/links/codes", {"discordId": discord, "discordName": "Ada"}, once("code")) == made
    typed = {"code": made["code"], "userId": 156}
    api.call("POST", "/links/codes/redeem", {"code": "000-000", "userId": 157}, expect=404)
    assert api.call("POST", "/links/codes/redeem", {**typed, "preview": True})["discordName"] == "Ada"
    for _ in range(2):
        api.call("POST", "/links/codes/redeem", typed, once("redeem"))
    api.call("PUT", "/links/roblox/157", {"discordId": other}, once("import"))
    link = api.call("GET", "/links/roblox/156")
    assert api.call("GET", f"/links/discord/{discord}") == link
    results = api.call("POST", "/links/lookup", {"discord": [other], "roblox": [156, 158]})["results"]
    assert [result["found"] for result in results] == [True, True, False], results
    for _ in range(2):
        api.call("DELETE", "/links/roblox/157", headers=once("remove"))
    api.call("GET", "/links/roblox/157", expect=404)


def text_as_evidence(api):
    ban = a_ban(api, 158)
    text = {"caseId": ban, "evidenceType": "Metadata",
            "evidenceContent": base64.b64encode(b"https://example.com/clip").decode()}
    once = {"idempotency-key": "clip"}
    guid = api.call("PATCH", "/evidence/create", text, once)["evidenceGuid"]
    assert api.call("PATCH", "/evidence/create", text, once)["evidenceGuid"] == guid
    assert api.call("GET", f"/evidence/{guid}")["evidenceContent"]
    api.call("PATCH", f"/evidence/{guid}/metadata", {"comment": "At 0:42"})
    metadata = api.call("GET", f"/evidence/{guid}/metadata")["metadata"]
    assert metadata["comment"] == "At 0:42", metadata
    for query in ["", "?userId=158"]:
        listed = api.call("GET", f"/bans/{ban}/evidence{query}")["list"]
        assert [piece["evidenceGuid"] for piece in listed] == [guid], listed
    check = {"userId": 158, "experienceId": PLACE, "includeEvidence": True}
    [piece] = api.call("POST", "/is-banned", check)["associatedEvidence"]
    assert piece["evidenceGuid"] == guid, piece
    api.call("DELETE", f"/evidence/{guid}")
    assert api.call("GET", f"/bans/{ban}/evidence")["list"] == []


def file_as_evidence(api):
    """A file goes to S3 and back with presigned links. A changed file is refused."""
    content, ban = b"a log of the chat", a_ban(api, 159)
    guid, upload = create_file(api, ban, content, "text/plain")
    assert api.call("POST", f"/evidence/{guid}/complete", expect=409)["code"] == "not_uploaded"
    assert put(upload, content[::-1]) == 400, "other bytes than declared"
    assert put(upload, content) == 200
    assert put(upload, content) == 412, "a second upload"
    assert api.call("POST", f"/evidence/{guid}/complete")["state"] == "available"
    other = api.call("GET", f"/evidence/{guid}")["streamUri"]
    assert fetch("GET", other)[2] == content
    link = api.call("GET", f"/evidence/{guid}/metadata")["streamUri"]
    status, headers, downloaded = fetch("GET", link)
    assert (status, downloaded) == (200, content), (status, downloaded)
    assert headers["content-disposition"].startswith("attachment"), headers
    status, _, _ = fetch("GET", link.replace("Signature=", "Signature=0"))
    assert status == 403, f"a forged link: {status}"
    api.call("DELETE", f"/evidence/{guid}")
    status, _, _ = fetch("GET", link)
    assert status == 404, f"a removed file: {status}"

    program = b"MZ\x90\0 this is no picture"
    guid, upload = create_file(api, ban, program, "image/png")
    assert put(upload, program) == 200
    assert api.call("POST", f"/evidence/{guid}/complete", expect=422)["code"] == "content_mismatch"


def create_file(api, ban, content, kind):
    """A new piece's guid, and where to upload its file."""
    piece = api.call("POST", "/evidence/create", {
        "caseId": ban, "evidenceType": "File", "fileName": "file", "contentType": kind, "size": len(content),
        "sha256": base64.b64encode(hashlib.sha256(content).digest()).decode()})
    return piece["evidenceGuid"], piece["upload"]


def put(upload, content):
    """The status of an upload."""
    headers = {name: str(value) for name, value in upload["headers"].items()}
    return fetch("PUT", upload["url"], content, headers)[0]


def refusals(api):
    for status, code, call in [
        (400, "invalid_request", ("POST", "/is-banned", {"userId": 0, "experienceId": 1})),
        (404, "not_found", ("GET", "/no-such-route")),
        (405, "method_not_allowed", ("DELETE", "/is-banned")),
        (404, "not_found", ("GET", "/bans/1")),
    ]:
        answer = api.call(*call, expect=status)
        assert answer["code"] == code, answer
    wrong = "sentinelAPI.00000000-0000-4000-8000-00000000000f"
    status, answer = api.answer("POST", "/is-banned", {"userId": 1, "experienceId": 1}, key=wrong)
    assert status == 401, answer

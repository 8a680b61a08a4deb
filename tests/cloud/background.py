"""What the functions do besides answering: webhooks, the mirror, schedules, erasures, ranks, large exports."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import scenario
from api import fetch, wait
from transform import ROOT

BAN = scenario.README_BAN


def outward(stack, outside, api, workspace):
    """A webhook with a verified signature, the mirror to Roblox, and a change of rank."""
    of_it = ["--workspace", workspace]
    hook = stack.cli("webhook", "add", outside.hooks + "studio", *of_it)
    outside.register("studio", hook["secret"])
    stack.secret("open-cloud", outside.key)
    name = f"portcullis/{stack.name}/open-cloud"
    stack.cli("mirror", "set", outside.place, "--secret", name, *of_it)
    stack.cli("group", "allow", outside.group, "--secret", name, *of_it)
    # An endpoint without a secret at the receiver, which answers 404.
    stack.cli("webhook", "add", outside.hooks + "nobody", *of_it)
    # publish-events keeps what it knows about webhooks and mirrors for a moment.
    time.sleep(6)

    api.call("POST", "/ban-async", {**BAN, "userId": 201, "experienceId": outside.place})
    outside.expect("GAME_BANNED", "user 201", "signature verified")
    outside.expect("user 201", "restricted")
    api.call("POST", "/unban-async", {"userId": 201, "experienceId": outside.place, "reason": "x", "moderatorId": 1})
    outside.expect("GAME_UNBANNED", "user 201", "signature verified")
    assert stack.cli("webhook", "test", hook["id"], *of_it)
    stack.cli("mirror", "status", *of_it)
    stack.cli("mirror", "reconcile", outside.place, *of_it)

    body = {"userId": outside.member, "groupId": outside.group, "rankId": 10, "moderatorId": 1, "reason": "Trial"}
    once = {"prefer": "return=representation", "idempotency-key": "trial"}
    changed = api.call("PATCH", "/group-role", body, once)
    assert 10 in [role["rank"] for role in changed["roles"]], changed
    assert api.call("PATCH", "/group-role", body, once)["status"] == "ok"
    stack.cli("group", "check", outside.group, *of_it)


def checks_with_a_cap(stack, api, workspace):
    key = stack.cli("key", "create", "--name", "partner", "--kind", "public", "--checks-per-minute", 1,
                    "--workspace", workspace)["key"]
    for route, check in (("/is-banned", {"userId": 1}), ("/is-banned/batch", {"userIds": [1, 2]})):
        found = [api.answer("POST", route, {**check, "experienceId": 1}, key=key)[0] for _ in range(3)]
        assert found[0] == 200 and 429 in found, found


def old_evidence(stack, api):
    """What the schedules of evidence and of keys do, which run each five minutes and each day: the test starts them."""
    ban = scenario.a_ban(api, 204)
    guid, _ = scenario.create_file(api, ban, b"never uploaded", "text/plain")
    old = api.call("PATCH", "/evidence/create", {
        "caseId": ban, "evidenceType": "Metadata", "evidenceContent": base64.b64encode(b"x").decode()})["evidenceGuid"]
    dynamodb, table = stack.aws.client("dynamodb"), stack.outputs["BansTableName"]
    due = [item for page in dynamodb.get_paginator("scan").paginate(TableName=table) for item in page["Items"]
           if item["kind"]["S"] == "evidence" and "due_at" in item]
    assert due, "no evidence is due"
    for item in due:
        dynamodb.update_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]},
                             UpdateExpression="SET due_at = :past", ExpressionAttributeValues={":past": {"N": "1"}})
    stack.run_schedule("ExpireEvidenceFunctionEachFiveMinutes")
    api.call("GET", f"/evidence/{guid}", expect=404)
    api.call("GET", f"/evidence/{old}", expect=404)
    stack.run_schedule("MirrorBansFunctionEachDay")


def quarantine(stack, api):
    """GuardDuty's event about a file. Only AWS may send it, so the test invokes the rule's target with it."""
    ban, content = scenario.a_ban(api, 205), b"X5O!P%@AP"
    guid, upload = scenario.create_file(api, ban, content, "text/plain")
    assert scenario.put(upload, content) == 200
    api.call("POST", f"/evidence/{guid}/complete")
    event = json.loads((ROOT / "events/quarantine-evidence.json").read_text())
    event["detail"]["s3ObjectDetails"].update(
        bucketName=stack.outputs["EvidenceBucketName"], objectKey=f"{api.key.workspace[-8:]}/{guid}")
    stack.invoke("QuarantineEvidenceFunction", event)
    assert api.call("GET", f"/evidence/{guid}/metadata")["state"] == "quarantined"


def let_expire(api):
    """A ban of a second, which a poll and a schedule then notice."""
    api.call("POST", "/ban-async", {**BAN, "userId": 202, "experienceId": 77, "banLength": "1s"})
    for _ in range(3):
        time.sleep(1.5)
        pending = api.call("GET", "/pending-bans?experienceId=77")["list"]
    assert pending == [], pending
    return api.call("GET", "/bans?userId=202")["list"][0]["guid"]


def expired(api, guid):
    """The schedule that runs each minute records the expiry as an event. The test does not start it."""
    wait("the expiry is an event", lambda: "GAME_UNBANNED" in {
        event["event"] for event in api.call("GET", f"/bans/{guid}")["events"]}, 90)


def snapshot(stack, api, workspace):
    """The first call orders a snapshot, and the schedule builds it; the next build reads only what changed."""
    dynamodb, table = stack.aws.client("dynamodb"), stack.outputs["BansTableName"]
    key = {"pk": {"S": f"{workspace[-8:]}#J"}, "sk": {"S": "J"}}

    def change(expression, **numbers):
        values = {f":{name}": {"N": str(value)} for name, value in numbers.items()}
        dynamodb.update_item(TableName=table, Key=key, UpdateExpression=expression, ExpressionAttributeValues=values)

    def built(least):
        def look():
            stack.run_schedule("BuildSnapshotsFunctionEachMinute")
            item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
            return int(item.get("built", {"M": {"version": {"N": "0"}}})["M"]["version"]["N"]) > least and item
        return int(wait("the snapshot is built", look, 60, 2)["built"]["M"]["version"]["N"])

    answer = api.call("GET", "/snapshot", expect=503)
    assert answer["code"] == "unavailable", answer
    version = built(0)
    # The function notes a request that comes more than a day after the last one.
    earlier = int(time.time()) - 90_000
    change("SET requested = :earlier", earlier=earlier)

    def served():
        status, answer = api.answer("GET", "/snapshot")
        return status == 200 and answer
    first = wait("the snapshot is served", served)
    assert first["count"] > 0 and first["users"], first
    wait("the request is noted", lambda: int(dynamodb.get_item(
        TableName=table, Key=key, ConsistentRead=True)["Item"]["requested"]["N"]) > earlier)
    cursor = api.call("GET", "/sync")["cursor"]
    scenario.a_ban(api, 206)
    wait("the ban is logged", lambda: 206 in api.call("GET", f"/sync?cursor={cursor}")["userIds"])
    change("SET built.built = :built, due_at = :due", built=int(time.time()) - 120, due=1)
    built(version)
    change("SET requested = :long_ago, due_at = :long_ago", long_ago=1)
    stack.run_schedule("BuildSnapshotsFunctionEachMinute")
    wait("nobody wants it", lambda: "Item" not in dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True))
    objects = stack.aws.client("s3").list_objects_v2(Bucket=stack.outputs["SnapshotBucketName"])
    assert not objects.get("Contents"), objects


def erasure(stack, api, workspace):
    """Roblox asks to erase a user, who then has no data: neither bans nor files."""
    secret = stack.cli("erasure", "setup", "--mode", "erase", "--workspace", workspace)["secret"]
    ban = scenario.a_ban(api, 203)
    api.call("POST", "/evidence/create", {
        "caseId": ban, "evidenceType": "Metadata", "evidenceContent": base64.b64encode(b"x").decode()})
    body = json.dumps({
        "NotificationId": str(uuid.uuid4()), "EventType": "RightToErasureRequest",
        "EventTime": "2026-11-21T09:30:03.000Z", "EventPayload": {"UserId": 203, "GameIds": [scenario.PLACE]},
    }).encode()
    now = str(int(time.time()))
    digest = hmac.new(secret.encode(), now.encode() + b"." + body, hashlib.sha256).digest()

    def notify(signature):
        headers = {"content-type": "application/json", "roblox-signature": f"t={now},v1={signature}"}
        return fetch("POST", stack.url("/roblox/webhook"), body, headers)[0]

    assert notify("AAAA") == 401
    assert notify(base64.b64encode(digest).decode()) == 200
    assert api.call("GET", "/bans?userId=203")["list"] == []
    api.called.add("POST /roblox/webhook")


def exports(stack, api):
    """An export that is too large for an answer goes through S3, behind a presigned link."""
    dynamodb, table = stack.aws.client("dynamodb"), stack.outputs["BansTableName"]
    first = dynamodb.query(
        TableName=table, IndexName="by-workspace", KeyConditionExpression="ledger = :list",
        ExpressionAttributeValues={":list": {"S": f"{api.key.workspace[-8:]}#1"}}, Limit=1)["Items"][0]
    # Copies of a ban, with the longest reasons.
    copies = []
    for number in range(2400):
        guid, user = 10_000 + number, 1_000_000 + number
        copy = json.loads(json.dumps(first))
        copy["ban"]["M"].update(guid={"N": str(guid)}, user={"N": str(user)},
                                private_reason={"S": '"' * 1000}, public_reason={"S": '"' * 400})
        copy.update(pk={"S": f"{first['pk']['S'].split('#')[0]}#U#{user}"}, sk={"S": f"B#{guid:020}"},
                    guid_key={"S": f"{guid:020}"})
        copy.pop("due", None), copy.pop("due_at", None)
        copies.append({"PutRequest": {"Item": copy}})
    for start in range(0, len(copies), 25):
        dynamodb.batch_write_item(RequestItems={table: copies[start:start + 25]})
    place = first["experience_ledger"]["S"].split("#")[1]
    for route in ["/export/bans/json", "/export/bans/csv", f"/export/bans/json?experienceId={place}",
                  f"/export/bans/csv?experienceId={place}"]:
        key = api.key(f"GET {route.partition('?')[0]}")
        status, headers, body = fetch("GET", stack.url(route), None, {"authorization": f"Bearer {key}"})
        assert status == 303, f"{route}: {status} {body[:300]}"
        status, _, content = fetch("GET", headers["location"])
        rows = len(json.loads(content)["list"]) if "json" in route else content.count(b"\n") - 1
        assert status == 200 and rows >= len(copies), f"{route}: {status}, {rows} rows"

"""What an operator does with `portcullis --stack`, as a user who has exactly the policy that `iam-policy` prints."""

import os

import scenario
from api import wait


def run(stack, api, workspace, folder):
    def portcullis(*arguments):
        return stack.cli(*arguments, "--workspace", workspace)

    at = ["--experience", 7]
    checks = stack.cli("doctor", "--url", stack.url(""))
    assert {check["result"] for check in checks} <= {"ok", "not checked"}, checks
    portcullis("experience", "link", 7)
    portcullis("ban", 301, *at, "--moderator", 1, "--length", "7d", "--public-reason", "Cheating")
    assert portcullis("check", 301, *at)["isBanned"]
    assert portcullis("pending", *at)
    portcullis("unban", 301, *at, "--reason", "Mistaken identity")
    assert len(portcullis("history", 301)) == 2
    assert portcullis("experience", "list")
    portcullis("protected", "add", 302)
    refused = {**scenario.README_BAN, "userId": 302}
    assert api.answer("POST", "/ban-async", refused)[0] in (403, 409, 422)
    portcullis("protected", "remove", 302)
    files(portcullis, scenario.a_ban(api, 303), folder)
    keys(portcullis, api)
    places(stack, portcullis, workspace)
    portcullis("export", folder / "exported.json")
    portcullis("erase", 301, "--yes")
    assert portcullis("history", 301) == []
    portcullis("webhook", "list"), portcullis("mirror", "list"), portcullis("group", "list")


def places(stack, portcullis, workspace):
    """Place 8 joins place 7 and leaves it. The command is killed after the announcement and goes on three minutes
    later, or so it seems: the test changes the time."""
    portcullis("experience", "link", 8)
    portcullis("ban", 305, "--experience", 8, "--moderator", 1, "--length", "7d", "--public-reason", "x")
    dynamodb, table = stack.aws.client("dynamodb"), stack.outputs["BansTableName"]

    def link():
        items = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
        [found] = [item for item in items if item["kind"]["S"] == "link" and item["sk"]["S"] == f"{8:016}"]
        return found

    join = ("experience", "join", 8, "--root", 7, "--yes")
    with stack.begin(*join, "--workspace", workspace) as joining:
        announced = wait("the join is announced", lambda: link().get("announced"))
        joining.kill()
    dynamodb.update_item(
        TableName=table, Key={name: link()[name] for name in ("pk", "sk")}, UpdateExpression="SET announced = :then",
        ExpressionAttributeValues={":then": {"N": str(int(announced["N"]) - 300_000)}})
    assert portcullis(*join)["carriedOver"] == 1
    assert portcullis("check", 305, "--experience", 8)["ban"]["experienceId"] == 7
    portcullis("experience", "leave", 8, "--yes")


def files(portcullis, ban, folder):
    """A file goes into the bucket of evidence and comes back."""
    file, back = folder / "note.txt", folder / "back.txt"
    file.write_bytes(b"seen at 0:42 " + os.urandom(8).hex().encode())
    portcullis("evidence", "add", ban, file)
    [piece] = portcullis("evidence", "list", ban)
    portcullis("evidence", "get", piece["guid"], "--to", back)
    assert back.read_bytes() == file.read_bytes()
    portcullis("evidence", "remove", piece["guid"], "--yes")


def keys(portcullis, api):
    """A leaked key: revoke it, and undo what it decided."""
    made = portcullis("key", "create", "--name", "leaked", "--scope", "bans:write")
    status, answer = api.answer("POST", "/ban-async", {**scenario.README_BAN, "userId": 304}, key=made["key"])
    assert status == 200, answer
    portcullis("key", "revoke", made["keyId"], "--yes")
    portcullis("undo", "--key", made["keyId"], "--since", "1h", "--yes")
    check = {"userId": 304, "experienceId": scenario.PLACE}
    assert api.call("POST", "/is-banned", check)["isBanned"] is False

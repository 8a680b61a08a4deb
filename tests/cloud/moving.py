"""Moves a workspace to another stack and removes the old stack, as docs/operations.md says."""

import re
import shutil

from stack import ROOT, Stack, wait

PREFIX = "portcullis --stack "


def documented(section):
    """The commands of a section of docs/operations.md that name a stack."""
    text = (ROOT / "docs/operations.md").read_text()
    text = text.split(f"\n### {section}\n", 1)[1].split("\n### ", 1)[0]
    lines = [line.strip() for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    return [line.removeprefix(PREFIX).split() for line in lines if line.startswith(PREFIX)]


def move(aws, old, workspace):
    new = Stack.deploy(aws, "moved")
    copy = new.cli("workspace", "create", "Studio")["guid"]
    key = new.cli("key", "create", "--workspace", copy, "--name", "servers")["key"]
    for linked in old.cli("experience", "list", "--workspace", workspace):
        new.cli("experience", "link", str(linked["experience_id"]), "--workspace", copy)
    names = {"OLD_GUID": workspace, "NEW_GUID": copy, "bans.json": aws.folder / "bans.json",
             "evidence-files": aws.folder / "evidence-files"}
    for _ in range(2):  # The second import adds nothing.
        for which, *words in documented("Moving to another region or account"):
            {"OLD": old, "NEW": new}[which].cli(*[names.get(word, word) for word in words])
        (aws.folder / "bans.json").unlink()
        shutil.rmtree(aws.folder / "evidence-files", ignore_errors=True)
    status, answer = new.call("POST", "/is-banned", key, {"userId": 156, "experienceId": 7})
    assert status == 200 and answer["isBanned"] and answer["privateReason"] == "old", answer


def remove(aws, stack, release):
    """Deletes a stack and what it leaves."""
    parameters = ["--parameter", "DeletionProtection=false"]
    stack.cli("deploy", "--from", release, "--yes", *parameters)
    kept = {name: stack.resources()[name] for name in ("BansTable", "WorkspacesTable", "EvidenceBucket")}
    stack.cloudformation.delete_stack(StackName=stack.name)
    wait("the stack is deleted", lambda: stack.status() in (None, "DELETE_COMPLETE"), 60)
    dynamodb, s3 = aws.client("dynamodb"), aws.client("s3")
    tables = dynamodb.list_tables()["TableNames"]
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    prefixed = [name for name in tables + buckets if name.startswith(stack.name)]
    assert sorted(prefixed) == sorted(kept.values()), prefixed
    for table in ("BansTable", "WorkspacesTable"):
        dynamodb.delete_table(TableName=kept[table])
    s3.delete_bucket(Bucket=kept["EvidenceBucket"])
    for service, listing, field in [
        ("logs", "describe_log_groups", "logGroups"), ("lambda", "list_functions", "Functions"),
        ("cloudwatch", "describe_alarms", "MetricAlarms"), ("cloudwatch", "list_dashboards", "DashboardEntries"),
    ]:
        left = [entry for entry in getattr(aws.client(service), listing)()[field] if stack.name in str(entry)]
        assert not left, (service, left)

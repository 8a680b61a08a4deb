"""Brings the bans back to an earlier state, as docs/operations.md describes under point-in-time recovery."""

from api import wait
from scenario import OTHER, PLACE, README_BAN

LIFTED, LATER, LOST = 401, 402, 403


def run(stack, api, workspace):
    """After the copy a ban is lifted, another is made, and a third is lost."""
    dynamodb = stack.aws.client("dynamodb")
    live, copy = stack.outputs["BansTableName"], f"{stack.name}-bans-restored"
    for user in [LIFTED, LOST]:
        api.call("POST", "/ban-async", {**README_BAN, "userId": user})
    before = settings(stack)
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=live, TargetTableName=copy, UseLatestRestorableTime=True)
    wait("the copy is there", lambda: dynamodb.describe_table(TableName=copy)["Table"]["TableStatus"] == "ACTIVE")
    api.call("POST", "/unban-async", {"userId": LIFTED, "experienceId": PLACE, "reason": "Mistake", "moderatorId": 1})
    api.call("POST", "/ban-async", {**README_BAN, "userId": LATER, "experienceId": OTHER})
    lose(dynamodb, live, LOST)
    assert banned(api) == {LATER}

    restore = ["restore", "--from", copy, "--absent", "bring-back"]
    stack.cli(*restore, "--dry-run")
    assert banned(api) == {LATER}
    # The first run lists the users who would come back, now that nobody can be erased.
    stack.cli(*restore, "--yes", expect=1)
    stack.cli(*restore, "--yes")
    assert banned(api) == {LIFTED, LOST}
    names = {decision["keyId"] for decision in stack.cli("history", LATER, "--workspace", workspace)}
    assert any(name.startswith("restore-") for name in names), names
    assert settings(stack) == before, "the functions have other settings than before"
    dynamodb.delete_table(TableName=copy)


def banned(api):
    """Which of the users are banned."""
    checks = {user: {"userId": user, "experienceId": OTHER if user == LATER else PLACE}
              for user in [LIFTED, LATER, LOST]}
    return {user for user, check in checks.items() if api.call("POST", "/is-banned", check)["isBanned"]}


def lose(dynamodb, table, user):
    """Deletes what the table has about a user."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk")
    for key in [item for page in pages for item in page["Items"]]:
        if f"#U#{user}" in key["pk"]["S"]:
            dynamodb.delete_item(TableName=table, Key=key)


def settings(stack):
    """What a restore stops: reserved concurrency, and the mappings of the stream."""
    functions = stack.aws.client("lambda")
    names = [function["FunctionName"] for function in functions.list_functions()["Functions"]]
    reserved = {name: functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
                for name in names}
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    return reserved, {mapping["UUID"]: mapping["State"] for mapping in mappings}

"""AWS's limits on the templates, and the stream filters in the emulator's event-pattern engine."""

import json

from transform import ROOT


def check(stack):
    templates(stack)
    policies(stack.template["Resources"])
    filters(stack)


def of_type(resources, kind):
    return {name: it["Properties"] for name, it in resources.items() if it["Type"] == kind}


def templates(stack):
    nested = (ROOT / "observability.yaml").read_text()
    expanded = json.dumps(stack.template)
    for name, text in [("template.yaml", expanded), ("observability.yaml", nested)]:
        assert len(text.encode()) <= 1_000_000, f"{name} is larger than 1 MB"
    for section, most in [("Resources", 500), ("Parameters", 200), ("Outputs", 200)]:
        assert len(stack.template[section]) <= most, section
    for name, table in of_type(stack.template["Resources"], "AWS::DynamoDB::Table").items():
        assert len(table["GlobalSecondaryIndexes"]) <= 20, name
    print(f"limits: {len(expanded):,} bytes, {len(stack.template['Resources'])} resources")


def policies(resources):
    """A role has at most ten managed policies; its own take up to 10,240 characters, a managed one up to 6,144."""
    for name, policy in of_type(resources, "AWS::IAM::ManagedPolicy").items():
        assert len(compact(policy["PolicyDocument"])) <= 6_144, name
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        assert len(role.get("ManagedPolicyArns", [])) <= 10, name
        own = sum(len(compact(policy["PolicyDocument"])) for policy in role.get("Policies", []))
        assert own <= 10_240, name


def compact(document):
    return json.dumps(document, separators=(",", ":"))


# Of each filter of EventsStream, in order: an item that passes, before and after a change.
PASSING = [
    ({}, {"kind": {"S": "decision"}}),
    ({}, {"kind": {"S": "experience"}, "ban_owed": {"S": "1"}, "report_guid": {"S": "1"}}),
    ({}, {"kind": {"S": "experience"}, "unban_owed": {"S": "1"}, "report_guid": {"S": "1"}}),
    ({"report_guid": {"S": "1"}}, {"kind": {"S": "experience"}}),
    ({}, {"kind": {"S": "delivery"}, "due": {"S": "1"}}),
]
# Changes that concern nobody.
SILENT = [
    ({}, {"kind": {"S": "counter"}}),
    ({}, {"kind": {"S": "decision"}, "log_position": {"N": "7"}}),
    ({"due": {"S": "1"}}, {"kind": {"S": "delivery"}, "due": {"S": "2"}}),
    ({}, {"kind": {"S": "experience"}, "report_guid": {"S": "1"}}),
]


def filters(stack):
    """Each filter accepts what it is for, and each record of the sample events passes one."""
    events = stack.aws.client("events")

    def passed(patterns, images):
        envelope = {"id": "1", "account": "1", "source": "x", "time": "2026-01-01T00:00:00Z", "region": "x",
                    "resources": [], "detail-type": "x"}
        event = json.dumps({**envelope, "dynamodb": images})
        return [number for number, pattern in enumerate(patterns)
                if events.test_event_pattern(EventPattern=pattern, Event=event)["Result"]]

    for mapping, sample in [("BansStream", "spread-decisions"), ("EventsStream", "publish-events")]:
        properties = stack.template["Resources"][mapping]["Properties"]
        patterns = [it["Pattern"] for it in properties["FilterCriteria"]["Filters"]]
        assert len(patterns) <= 5, f"{mapping}: AWS accepts five filters"
        assert all(len(pattern) <= 4_096 for pattern in patterns), mapping
        for record in json.loads((ROOT / f"events/{sample}.json").read_text())["Records"]:
            assert passed(patterns, record["dynamodb"]), f"{mapping}: a record of events/{sample}.json passes no filter"
            gone = {"OldImage": record["dynamodb"]["NewImage"]}
            assert not passed(patterns, gone), f"{mapping}: a removed item passes"
        for old, new in SILENT:
            assert not passed(patterns, {"OldImage": old, "NewImage": new}), f"{mapping}: {new} passes"
        if mapping == "EventsStream":
            for number, (old, new) in enumerate(PASSING):
                found = passed(patterns, {"OldImage": old, "NewImage": new})
                assert found == [number], f"{mapping}: filter {number} and not {found} is for {new}"

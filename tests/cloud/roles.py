"""Compares what the functions' roles grant with what the emulator decided."""

import fnmatch
import json
from collections import namedtuple
from urllib.parse import unquote

# A granted action on a resource, by the function that has it.
Grant = namedtuple("Grant", "function statement action resource")

# What no call of the cloud test reaches, with the reason; `*` is every function, statement or action. Timing
# decides whether a call reaches those that need a race.
UNREACHED = {
    ("*", "ReadStream", "*"): "Lambda reads the stream with it; the emulator reads without the role",
    ("*", "ReportFailure", "*"): "Lambda reports failed records with it; the emulator sends without the role",
    ("QuarantineEvidence", "*", "sqs:SendMessage"): "Lambda reports failed events with it, as above",
    ("EvidenceComplete", "SeeWhetherThereIsAFile", "*"): "S3 asks for it before it answers 404; the emulator does not",
    ("*", "NoticeMissingObject", "*"): "S3 asks for it before it answers 404; the emulator does not",
    ("MirrorBans", "Continue", "*"): "only when work is left that no decision has woken it for",
    ("MirrorBans", "NoteAndReport", "dynamodb:Query"): "only for a report about a ban that was changed since",
    ("UnbanAsync", "DecideAndReport", "dynamodb:Query"): "only when a call is repeated after another change of the ban",
    ("RobloxWebhook", "EraseOrQueue", "dynamodb:ConditionCheckItem"): "only for a user with more than one transaction deletes",
    ("PendingBans", "SweepExpired", "*"): "only for a poll that finds an expired ban before the schedule does",
    ("PublishEvents", "BuildSnapshots", "*"): "only for each 256th event, which not every run logs",
    ("DeliverWebhooks", "Continue", "*"): "only when a run ends before its deliveries do",
    ("DeliverWebhooks", "ReadNamesOfMembers", "*"): "only for a channel of Discord, whose address cannot be changed",
}


def listed(value):
    return value if isinstance(value, list) else [value]


class Roles:
    """The roles of a stack."""

    def __init__(self, stack):
        self.stack, self.iam = stack, stack.aws.client("iam")
        resources = stack.resources()
        # The longest names first, because one may begin with another.
        self.names = sorted(((name, logical) for logical, name in resources.items() if len(name) > 12), reverse=True)
        self.functions = {resources[name]: name.removesuffix("FunctionRole") for name, resource in
                          stack.template["Resources"].items()
                          if resource["Type"] == "AWS::IAM::Role" and name in resources}

    def grants(self):
        found = set()
        for role, function in self.functions.items():
            for statement in self.statements(role):
                for action in listed(statement["Action"]):
                    for resource in listed(statement["Resource"]):
                        found.add(Grant(function, statement.get("Sid", ""), action, self.readable(resource)))
        return found

    def statements(self, role):
        """The statements of the role's own policies, without those that AWS manages."""
        for name in self.iam.list_role_policies(RoleName=role)["PolicyNames"]:
            yield from self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
        for policy in self.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            arn = policy["PolicyArn"]
            if not arn.startswith("arn:aws:iam::aws:"):
                version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                document = self.iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
                document = json.loads(unquote(document)) if isinstance(document, str) else document
                yield from document["Statement"]

    def decisions(self):
        for line in self.stack.aws.decisions.read_text().splitlines():
            decision = json.loads(line)
            # Or the operator, who is a user.
            yield {**decision, "function": self.functions.get(decision["role"], decision["role"])}

    def readable(self, resource):
        """A resource with logical instead of physical names."""
        for name, logical in self.names:
            resource = resource.replace(name, logical)
        return resource.split(":", 5)[-1]


def check(stack):
    """Fails on a denied call, and on a grant that no call reached and UNREACHED does not explain."""
    roles = Roles(stack)
    decisions = list(roles.decisions())
    denied = {f"{it['function']}: {it['action']} on {roles.readable(it['resource'])}: {it['context']}"
              for it in decisions if it["denied"]}
    assert not denied, "denied calls:\n  " + "\n  ".join(sorted(denied))
    used = {(it["function"], it["action"], sid, roles.readable(it["resource"]))
            for it in decisions for sid in it["statements"]}
    granted = roles.grants()
    unreached = {grant for grant in granted if not any(
        (function, action, sid) == (grant.function, grant.action, grant.statement)
        and fnmatch.fnmatchcase(resource, grant.resource) for function, action, sid, resource in used)}
    print(f"roles: {len(decisions)} decisions, {len(granted)} grants, {len(unreached)} not reached:")
    unexplained = []
    for grant in sorted(unreached):
        reason = next((reason for entry, reason in UNREACHED.items() if all(
            part in ("*", own) for part, own in zip(entry, (grant.function, grant.statement, grant.action)))), None)
        print(f"  {grant.function} {grant.statement}: {grant.action} on {grant.resource}: {reason}")
        if reason is None:
            unexplained.append(grant)
    assert not unexplained, f"no call uses {unexplained}: remove the grant, or explain it in UNREACHED"

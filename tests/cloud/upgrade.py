"""Updates a stack with the tables of the first version by `portcullis deploy`, while the API answers, then moves it."""

import json
import os
import signal
import subprocess
import threading
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path

from samcli.yamlhelper import yaml_parse

import moving
from stack import BUILT, ROOT, Stack, archive

NAME = "veteran"


def test(aws):
    stack = Stack.deploy(aws, NAME, template=first_version())
    workspace = stack.cli("workspace", "create", "Studio")["guid"]
    key = stack.cli("key", "create", "--workspace", workspace, "--name", "servers")["key"]
    forget_workspace_secret(aws, stack)
    ban = {"overwrite": False, "userId": 156, "experienceId": 7, "banModerator": 1, "banType": "Experience",
           "banLengthType": "Permanent", "banPrivateReason": "old", "banPublicReason": "old"}
    status, answer = stack.call("POST", "/ban-async", key, ban)
    assert status == 200, answer
    release = package(Path(aws.folder) / "release")
    stack.operator = deployer(aws, stack)
    url = stack.url("")

    with Caller(stack, key) as caller:
        planned = stack.cli("deploy", "--from", release, "--dry-run")["steps"]
        assert [step.split(",")[0] for step in planned] == [
            "add the index decisions-by-key of BansTable", "add the index due of BansTable",
            "add the index events of BansTable", "upgrade the workspaces", "remove 2 alarms",
            "update the stack to the release"], planned
        stops = 0
        while True:
            step = [step for step in stack.cli("deploy", "--from", release, "--dry-run")["steps"]
                    if step != "upgrade the workspaces"][0]
            stops += 1
            deploy_until(stack, release, step, 0.1 * stops)
            assert stops < 20, step
            if step == planned[-1]:
                break
        done = stack.cli("deploy", "--from", release, "--yes")
        assert done["status"] == "UPDATE_COMPLETE", done
        again = stack.cli("deploy", "--from", release, "--yes")
        assert again["steps"] == ["upgrade the workspaces", "update the stack to the release"], again
    assert caller.answered > 20 and not caller.failures, (caller.answered, caller.failures[:3])
    # At most one of each route, when its function changes.
    assert caller.ended <= len(caller.CALLS), caller.ended

    assert stack.url("") == url, "the API has another URL"
    table = aws.client("dynamodb").describe_table(TableName=stack.outputs["BansTableName"])["Table"]
    indexes = [index["IndexName"] for index in table["GlobalSecondaryIndexes"]]
    assert len(indexes) == 7, indexes
    alarms = aws.client("cloudwatch").describe_alarms(AlarmNames=[f"{NAME}-failure-queue"])["MetricAlarms"]
    assert len(alarms) == 1, "the alarm of the nested stack is gone"
    status, listed = stack.call("GET", "/bans?limit=1", key)
    assert status == 200 and "156" in str(listed), listed
    stack.operator = {}
    moving.move(aws, stack, workspace)
    print(f"{caller.answered} calls were answered during an update that was killed {stops} times")


def first_version():
    """Today's template with the tables, an alarm and the dashboard of the first version."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    first = yaml_parse(Path(__file__).with_name("first-version.yaml").read_text())
    del template["Resources"]["Observability"]
    for part in ("Resources", "Outputs"):
        template[part].update(first[part])
    return json.dumps(template)


def package(folder):
    """A release whose functions are the built ones."""
    loader = SourceFileLoader("package", str(ROOT / "tools/package"))
    text, functions = loader.load_module().packaged((ROOT / "template.yaml").read_text())
    (folder / "arm64").mkdir(parents=True)
    (folder / "packaged.yaml").write_text(text)
    (folder / "observability.yaml").write_text((ROOT / "observability.yaml").read_text())
    for function in functions:
        (folder / "arm64" / f"{function}.zip").write_bytes(archive(function, {}))
    return folder


def forget_workspace_secret(aws, stack):
    """Makes the workspace one of a version without workspace secrets."""
    table, dynamodb = stack.outputs["WorkspacesTableName"], aws.client("dynamodb")
    for item in dynamodb.scan(TableName=table)["Items"]:
        if item["sk"]["S"] == "W":
            dynamodb.update_item(TableName=table, Key={k: item[k] for k in ("pk", "sk")},
                                 UpdateExpression="REMOVE secret")


def deployer(aws, stack):
    """The variables of a user who may only do what the deployer's policy allows."""
    policy = json.dumps(stack.cli("iam-policy", "--deployer"))
    iam = aws.client("iam")
    iam.create_user(UserName="deployer")
    iam.put_user_policy(UserName="deployer", PolicyName="deployer", PolicyDocument=policy)
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def deploy_until(stack, release, step, seconds):
    """Starts a deployment and kills it some time after it has begun a step."""
    process = subprocess.Popen(
        [str(BUILT / "portcullis"), "--stack", NAME, "deploy", "--from", str(release), "--yes"],
        env={**os.environ, **stack.aws.environment(), **stack.operator}, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    said = []
    for line in process.stderr:
        said.append(line)
        if line.strip() == step:
            break
    else:
        raise AssertionError(f"no such step: {step}\n{''.join(said)}")
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


class Caller:
    """Checks and polls all the time, as game servers do."""

    CALLS = [("POST", "/is-banned", {"userId": 156, "experienceId": 7}), ("GET", "/pending-bans?experienceId=7", None)]

    def __init__(self, stack, key):
        self.stack, self.key = stack, key
        self.answered, self.ended, self.failures, self.is_done = 0, 0, [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_done.set()
        self.thread.join()

    def run(self):
        while not self.is_done.is_set():
            for method, path, body in self.CALLS:
                status, answer = self.stack.call(method, path, self.key, body)
                # ministack ends a running invocation when the function's code changes; AWS lets it finish.
                if status == 502 and answer.get("errorType") == "Runtime.ExitError":
                    self.ended += 1
                    continue
                if status == 200 and (body is None or answer["isBanned"]):
                    self.answered += 1
                else:
                    self.failures.append((path, status, answer))

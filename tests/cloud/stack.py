"""An AWS emulator with the deployed service: start, deploy, call.

    with Emulator() as aws:
        stack = Stack.deploy(aws, "portcullis")
        stack.call("POST", "/is-banned", key, {"userId": 1, "experienceId": 2})
"""

import io
import json
import os
import signal
import socket
import subprocess
import urllib.request
import zipfile
from pathlib import Path

import boto3
import samtranslator
from botocore.config import Config

import transform
from api import Api, wait

ROOT = transform.ROOT
BUILT = ROOT / "target/debug"
REGION = "us-east-1"
# The emulator's account, and the credentials of its root user.
ACCOUNT, KEY = "000000000000", "test"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Emulator:
    """A running ministack that enforces roles."""

    def __init__(self, folder, variables=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.decisions = self.folder / "decisions.jsonl"
        self.variables = {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(self.folder),
            "DECISIONS": str(self.decisions),
            "SAM_PACKAGES": str(Path(samtranslator.__file__).parents[1]),
            **(variables or {}),
        }

    def __enter__(self):
        program = os.environ.get("MINISTACK", str(ROOT / ".tools/ministack/bin/python"))
        self.log = open(self.folder / "ministack.log", "wb")
        self.process = subprocess.Popen(
            [program, str(Path(__file__).with_name("emulator.py"))],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.variables},
            stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        wait("the emulator answers", self.answers, 60)
        return self

    def __exit__(self, *_):
        # With its functions, which ministack leaves running.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"ministack ended: see {self.log.name}")
        try:
            return urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2).status == 200
        except OSError:
            return False

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=KEY,
            aws_secret_access_key=KEY,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=120, s3={"addressing_style": "path"}))

    def environment(self):
        """The variables that point an AWS program at the emulator, as its root user."""
        return {
            "AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": KEY, "AWS_EC2_METADATA_DISABLED": "true"}


def archive(function, variables):
    """The archive of a function: a bootstrap that starts the built binary with these variables."""
    lines = [f"export {name}='{value}'" for name, value in variables.items()]
    script = "\n".join(["#!/bin/sh", *lines, f"exec {BUILT / function}", ""])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        packed.writestr(entry, script)
    return buffer.getvalue()


class Stack:
    """A deployed stack."""

    ARTIFACTS = "artifacts"

    def __init__(self, aws, name):
        self.aws, self.name = aws, name
        self.cloudformation = aws.client("cloudformation")
        self.operator = {}

    @classmethod
    def deploy(cls, aws, name="portcullis", parameters=None, template=ROOT / "template.yaml", variables=None):
        """Deploys a template, or updates the stack of this name. Function processes get `variables`."""
        stack = cls(aws, name)
        stack.update(parameters, template, variables)
        return stack

    def update(self, parameters=None, template=ROOT / "template.yaml", variables=None):
        text = self.package(template, parameters or {}, variables or {})
        s3 = self.aws.client("s3")
        s3.put_object(Bucket=self.ARTIFACTS, Key="packaged.json", Body=text)
        request = {
            "StackName": self.name,
            "TemplateURL": f"{self.aws.url}/{self.ARTIFACTS}/packaged.json",
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in (parameters or {}).items()],
        }
        known = self.status() is not None
        (self.cloudformation.update_stack if known else self.cloudformation.create_stack)(**request)
        ended = wait(f"stack {self.name} is deployed", self.ended, 180)
        if ended not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise AssertionError(f"stack {self.name}: {ended}:\n  " + "\n  ".join(self.failures()))
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in self.describe()["Outputs"]}
        self.api = self.resources()["Api"]

    def package(self, template, parameters, variables):
        """Uploads archives and nested templates, and returns the expanded template."""
        s3 = self.aws.client("s3")
        s3.create_bucket(Bucket=self.ARTIFACTS)

        def code(function):
            s3.put_object(Bucket=self.ARTIFACTS, Key=f"{function}.zip", Body=archive(function, variables))
            return f"s3://{self.ARTIFACTS}/{function}.zip"

        def nested(name):
            s3.put_object(Bucket=self.ARTIFACTS, Key=name, Body=(ROOT / name).read_bytes())
            return f"{self.aws.url}/{self.ARTIFACTS}/{name}"

        self.template = transform.expand(template, code, nested, parameters)
        return json.dumps(self.template)

    def describe(self):
        return self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]

    def status(self):
        try:
            return self.describe()["StackStatus"]
        except self.cloudformation.exceptions.ClientError:
            return None

    def ended(self):
        status = self.status()
        return status if status is None or not status.endswith("_IN_PROGRESS") else False

    def failures(self):
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.name)
        return [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for page in pages
                for e in page["StackEvents"] if e["ResourceStatus"].endswith("FAILED")]

    def resources(self):
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {r["LogicalResourceId"]: r["PhysicalResourceId"] for page in pages
                for r in page["StackResourceSummaries"]}

    def url(self, path):
        return f"{self.aws.url}/_aws/execute-api/{self.api}/$default/api/v1{path}"

    def call(self, method, path, key=None, body=None):
        """The status and the body of an answer."""
        return Api(self.url(""), lambda _: key).answer(method, path, body)

    def cli(self, *arguments, expect=0):
        """Runs `portcullis --stack … --json` as the operator, and returns its parsed output."""
        done = subprocess.run(**self.command(arguments), capture_output=True, text=True, timeout=120)
        command = f"portcullis {' '.join(map(str, arguments))}"
        assert done.returncode == expect, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout

    def begin(self, *arguments):
        """Starts `portcullis`, for a test that kills it."""
        return subprocess.Popen(**self.command(arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def command(self, arguments):
        return {"args": [str(BUILT / "portcullis"), "--stack", self.name, "--json", *map(str, arguments)],
                "env": {**os.environ, **self.aws.environment(), **self.operator}}

    def invoke(self, function, event):
        """Invokes a function by its logical id."""
        answer = self.aws.client("lambda").invoke(
            FunctionName=self.resources()[function], Payload=json.dumps(event).encode())
        content = answer["Payload"].read()
        assert "FunctionError" not in answer, f"{function}: {content}"

    def run_schedule(self, rule):
        """Does what EventBridge does when a schedule is due, and waits for it."""
        targets = self.aws.client("events").list_targets_by_rule(Rule=self.resources()[rule])["Targets"]
        for target in targets:
            answer = self.aws.client("lambda").invoke(
                FunctionName=target["Arn"], Payload=target.get("Input", "{}").encode())
            assert "FunctionError" not in answer, f"{rule}: {answer['Payload'].read()}"

    def secret(self, name, value):
        """Stores a secret under the stack's prefix."""
        self.aws.client("secretsmanager").create_secret(Name=f"portcullis/{self.name}/{name}", SecretString=value)

    def hire(self, roblox):
        """Runs the command from now on as a user who has the policy that it prints, and with local servers outside
        AWS: an http:// endpoint of the database makes it accept their addresses, which it reads from the table."""
        policy = json.dumps(self.cli("iam-policy"))
        iam = self.aws.client("iam")
        iam.create_user(UserName="operator")
        iam.put_user_policy(UserName="operator", PolicyName="operator", PolicyDocument=policy)
        key = iam.create_access_key(UserName="operator")["AccessKey"]
        item = {"pk": "LOCAL", "sk": "LOCAL", "kind": "local-stack", "api": self.url(""), "roblox": roblox,
                "secrets": self.aws.url, "objects": self.aws.url}
        self.aws.client("dynamodb").put_item(
            TableName=self.outputs["WorkspacesTableName"], Item={k: {"S": v} for k, v in item.items()})
        self.operator = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
                         "AWS_ENDPOINT_URL_DYNAMODB": self.aws.url}

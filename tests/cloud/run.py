"""Deploys the service into an AWS emulator that others wrote, and drives it from outside."""

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import background
import engine
import gaps
import limits
import operator_tasks
import removal
import restoring
import roles
import scenario
import upgrade
from api import Api
from outside import Outside
from stack import Emulator, Stack

SCOPES = "bans:read,bans:write,bans:write-global,bans:bulk,evidence:read,evidence:write,groups:write,links:read,links:write,links:import"


class Keys:
    """A new key for each route, so that each function reads a key and records its use."""

    def __init__(self, stack, workspace):
        self.stack, self.workspace = stack, workspace
        self.keys = {}

    def __call__(self, route):
        route = re.sub(r"/\d+", "/{guid}", route)
        if route not in self.keys:
            made = self.stack.cli("key", "create", "--workspace", self.workspace, "--name", route, "--scope", SCOPES)
            self.keys[route] = made["key"]
        return self.keys[route]


class Step:
    """Prints how long a step took."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.start = time.monotonic()

    def __exit__(self, failure, *_):
        print(f"{'FAILED' if failure else 'ok'} {self.name} ({time.monotonic() - self.start:.1f} s)", flush=True)


def every_route(stack, api):
    """The template has no route that the test has not called, except those that depend on a parameter."""
    paths = stack.template["Resources"]["Api"]["Properties"]["Body"]["paths"]
    routes = {f"{method.upper()} {path.removeprefix('/api/v1')}" for path, methods in paths.items()
              for method in methods if path != "/$default" and method != "Fn::If"}
    called = {re.sub(r"/\d+", "/{}", route) for route in api.called}
    missing = {route for route in routes if re.sub(r"\{\w+}", "{}", route) not in called}
    assert not missing, f"not called: {sorted(missing)}"
    print(f"routes: all {len(routes)} called")


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="cloud-test-"))
    print(*gaps.describe(), sep="\n", flush=True)
    try:
        with Outside() as outside, Emulator(folder) as aws:
            test(outside, aws)
    except BaseException:
        print(f"the emulator's log is in {folder}/ministack.log", flush=True)
        raise
    shutil.rmtree(folder)


def test(outside, aws):
    with Step("deploy"):
        stack = Stack.deploy(aws, variables={
            # Webhooks and Roblox are on this machine here.
            "ALLOW_LOOPBACK": "true", "ROBLOX_API_URL": outside.roblox})
        stack.hire(outside.roblox)
    with Step("limits"):
        limits.check(stack)
    workspace = stack.cli("workspace", "create", "My studio")["guid"]
    stack.cli("workspace", "set", workspace, "--evidence-days", 30)
    api = Api(stack.url(""), Keys(stack, workspace))
    with Step("scenario"):
        scenario.run(api)
        expiring = background.let_expire(api)
    with Step("operator"):
        operator_tasks.run(stack, api, workspace, aws.folder)
    with Step("webhooks, mirror, ranks"):
        background.outward(stack, outside, api, workspace)
    with Step("caps, old evidence, quarantine"):
        background.checks_with_a_cap(stack, api, workspace)
        background.old_evidence(stack, api)
        background.quarantine(stack, api)
    with Step("snapshot"):
        background.snapshot(stack, api, workspace)
    with Step("erasure"):
        background.erasure(stack, api, workspace)
    with Step("restore"):
        restoring.run(stack, api, workspace)
    with Step("large exports"):
        background.exports(stack, api)
    with Step("expiries"):
        background.expired(api, expiring)
    with Step("routes"):
        every_route(stack, api)
    with Step("roles"):
        roles.check(stack)
    with Step("removal"):
        removal.check(stack)
    with Step("update from the first version, move"):
        upgrade.test(aws)
    with Step("scenario on moto's DynamoDB"):
        engine.check(aws, lambda stack: Keys(stack, stack.cli("workspace", "create", "On moto")["guid"]))


if __name__ == "__main__":
    main()

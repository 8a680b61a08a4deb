"""Moves a workspace to another stack with the commands of docs/operations.md."""

import re
import shutil

from stack import ROOT, Stack

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
        new.cli("experience", "link", str(linked["experienceId"]), "--workspace", copy)
    names = {"OLD_GUID": workspace, "NEW_GUID": copy, "bans.json": aws.folder / "bans.json",
             "evidence-files": aws.folder / "evidence-files"}
    for _ in range(2):  # The second import adds nothing.
        for which, *words in documented("Moving to another region or account"):
            {"OLD": old, "NEW": new}[which].cli(*[names.get(word, word) for word in words])
        (aws.folder / "bans.json").unlink()
        shutil.rmtree(aws.folder / "evidence-files", ignore_errors=True)
    status, answer = new.call("POST", "/is-banned", key, {"userId": 156, "experienceId": 7})
    assert status == 200 and answer["isBanned"] and answer["privateReason"] == "old", answer

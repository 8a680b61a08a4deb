"""Deploys the service into an AWS emulator that others wrote, and drives it from outside."""

import shutil
import sys
import tempfile

from stack import Emulator, Stack


def main():
    folder = tempfile.mkdtemp(prefix="cloud-test-")
    with Emulator(folder) as aws:
        stack = Stack.deploy(aws)
        status, answer = stack.call("GET", "/nope")
        assert (status, answer["code"]) == (404, "not_found"), answer
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())

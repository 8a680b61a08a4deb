"""The servers outside AWS that functions call: a webhook receiver and a fake of Roblox, from tools/local-stack."""

import json
import subprocess
import threading
import urllib.request

from api import wait
from stack import BUILT


class Outside:
    """The servers, and what arrived there."""

    def __enter__(self):
        self.process = subprocess.Popen([str(BUILT / "examples/outside")], stdout=subprocess.PIPE, text=True)
        self.__dict__.update(json.loads(self.process.stdout.readline()))
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(map(str.strip, self.process.stdout)), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def register(self, hook, secret):
        """Verifies deliveries to a hook with a secret."""
        request = urllib.request.Request(self.hooks + hook, data=secret.encode(), method="PUT")
        urllib.request.urlopen(request).close()

    def expect(self, *words, seconds=40):
        """Waits for a delivery or a change with these words."""
        unverified = [line for line in self.lines if "webhook: studio" in line and "not verified" in line]
        assert not unverified, unverified
        return wait(f"a line with {words}", lambda: next(
            (line for line in self.lines if all(word in line for word in words)), None), seconds)

"""Calls of the API over HTTP."""

import json
import time
import urllib.error
import urllib.request


def wait(what, condition, seconds=30, pause=0.2):
    """The first true result of a condition."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s: not yet: {what}")
        time.sleep(pause)


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: an answer is what the API sent."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(Stay)


def fetch(method, url, body=None, headers=None):
    """The status, the headers and the body of an answer."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with OPENER.open(request, timeout=35) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class Api:
    """The API at a URL that ends in /api/v1. `key` returns a key for a route, such as `GET /bans`."""

    def __init__(self, url, key):
        self.url, self.key = url, key
        self.called = set()

    def answer(self, method, path, body=None, headers=None, key=None):
        """The status and the body of an answer: JSON if it is, else bytes."""
        headers = {**(headers or {})}
        route = f"{method} {path.partition('?')[0]}"
        self.called.add(route)
        key = key or self.key(route)
        if key:
            headers["authorization"] = f"Bearer {key}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("content-type", "application/json")
        status, _, content = fetch(method, self.url + path, body, headers)
        try:
            return status, json.loads(content)
        except ValueError:
            return status, content

    def call(self, method, path, body=None, headers=None, expect=200):
        """The body of an answer that has this status."""
        status, answer = self.answer(method, path, body, headers)
        assert status == expect, f"{method} {path}: {status} {answer}"
        return answer

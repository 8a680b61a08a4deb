"""What schemathesis cannot derive from openapi.yaml: how calls are signed, and limits beyond schemas.

`PORTCULLIS_KEY` is the API key of the run, `PORTCULLIS_WEBHOOK_SECRET` that of Roblox's webhook.
"""

import base64
import hashlib
import hmac
import os
import pathlib
import sys
import time
import uuid
import zlib

import requests
import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

sys.path.append(str(pathlib.Path(__file__).parent))
import limits

KEY = os.environ["PORTCULLIS_KEY"]
WEBHOOK = "/api/v1/roblox/webhook"
GROUP_ROLE = "/api/v1/group-role"
SYNC = "/api/v1/sync"
SNAPSHOT = "/api/v1/snapshot"
CREATE_EVIDENCE = "/api/v1/evidence/create"
REPORTS = "/api/v1/reports"
BULK_BANS = "/api/v1/bans/bulk"
LINK_CODES = "/api/v1/links/codes"
REDEEM_CODE = "/api/v1/links/codes/redeem"
# Fields that a ban requires, in the defaults of most bulk calls.
BAN_FIELDS = {
    "banModerator": 1, "banType": "Experience", "banLengthType": "Temporary", "banLength": "7d",
    "banPrivateReason": "text", "banPublicReason": "text"}
WEBHOOK_SECRET = os.environ["PORTCULLIS_WEBHOOK_SECRET"].encode()


class Bearer(requests.auth.AuthBase):
    """Sends the key, as every caller does."""

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {KEY}"
        return request


class RobloxSignature(requests.auth.AuthBase):
    """Signs the body as it is sent, as Roblox does."""

    def __call__(self, request):
        written = str(int(time.time()))
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        mac = hmac.new(WEBHOOK_SECRET, written.encode() + b"." + body, hashlib.sha256)
        signature = base64.b64encode(mac.digest()).decode()
        request.headers["roblox-signature"] = f"t={written},v1={signature}"
        return request


schemathesis.auth.set_from_requests(Bearer()).skip_for(path=WEBHOOK)
schemathesis.auth.set_from_requests(RobloxSignature()).apply_to(path=WEBHOOK)


@schemathesis.deserializer("text/csv")
def csv(_context, response):
    """A CSV file is checked as the text that it is."""
    return response.content.decode()


def page_of(case, cursor):
    """A page of a list: what selects its rows, and where it goes on."""
    query = {name: str(value) for name, value in (case.query or {}).items()}
    for name in ("cursor", "limit", "worker"):
        query.pop(name, None)
    return case.operation.label, cursor, tuple(sorted(query.items()))


# The next pages that responses linked to.
PAGES = set()
# The GUIDs of bans and of evidence that responses named, and the codes of links with the kind of account that has
# each, as generated calls cannot guess one.
BANS, EVIDENCE, CODES = {}, {}, {}


def known(guids, case):
    """One of these for two calls in three."""
    choice = zlib.crc32(repr((case.body, case.query, case.path_parameters)).encode())
    return list(guids)[choice % len(guids)] if guids and choice % 3 else None


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Keeps well-formed calls from being refused for what no schema can express.

    A cursor is good only for the list that it came from: any other is left out. An Idempotency-Key is
    good only for the request that it was first sent with: each request gets one of its own. Of the
    appeals, most of which find no ban, two in three are made bans. Two in three GUIDs are of a ban or of
    evidence that exists. And ranks are changed only in the group that `on-the-stack` allows, below its
    ceiling.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.query and page_of(case, case.query.get("cursor")) not in PAGES:
        case.query.pop("cursor", None)
    for name, value in (case.query or {}).items():
        # Integers are written in digits there, including those generated as floats.
        if isinstance(value, float) and value.is_integer():
            case.query[name] = int(value)
    if case.query and case.operation.path == SNAPSHOT:
        # This one has a single part.
        case.query.pop("part", None)
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
    if case.query and "isAppeal" in case.query and zlib.crc32(repr(case.body).encode()) % 3:
        case.query["isAppeal"] = "false"
    if case.path_parameters and "guid" in case.path_parameters:
        guid = known(EVIDENCE if "/evidence/{guid}" in case.operation.path else BANS, case)
        case.path_parameters["guid"] = guid or case.path_parameters["guid"]
    if case.operation.path == CREATE_EVIDENCE and isinstance(case.body, dict):
        if guid := known(BANS, case):
            case.body["caseId"] = guid
            case.body.pop("userId", None)
    if case.operation.path == REPORTS and isinstance(case.body, dict):
        for report in case.body.get("reports") or []:
            if isinstance(report, dict) and (guid := known(BANS, case)):
                report.update(guid=guid, userId=BANS[guid], revision=1)
    if case.operation.path == REDEEM_CODE and isinstance(case.body, dict):
        # Typed by an account of the other kind, which has no link yet.
        if code := known(CODES, case):
            new = 10**17 + zlib.crc32(repr(case.body).encode())
            other = {"userId": {"discordId": str(new)}, "discordId": {"userId": new // 10**8}}[CODES[code]]
            case.body = {"code": code, "preview": case.body.get("preview"), **other}
    if case.operation.path == BULK_BANS and isinstance(case.body, dict):
        if zlib.crc32(repr(case.body).encode()) % 3:
            case.body["defaults"] = {**BAN_FIELDS, **(case.body.get("defaults") or {})}
    if case.operation.path == GROUP_ROLE and isinstance(case.body, dict):
        case.body["groupId"] = 7
        if zlib.crc32(repr(case.body).encode()) % 3:
            case.body["userId"] = 156
        if case.body.get("rankId") is not None:
            case.body["rankId"] = 1 + int(case.body["rankId"]) % 30


@schemathesis.hook
def after_call(_context, case, response):
    """Remembers where a list goes on, and what exists."""
    is_json = "json" in "".join(response.headers.get("content-type") or [])
    if response.status_code == 200 and is_json and isinstance(answer := response.json(), dict):
        for ban in [answer, *(answer.get("list") or [])]:
            if ban.get("robloxId") and ban.get("guid"):
                BANS[ban["guid"]] = ban["robloxId"]
        if case.operation.path == CREATE_EVIDENCE:
            EVIDENCE[answer["evidenceGuid"]] = None
        if case.operation.path == LINK_CODES:
            CODES[answer["code"]] = "userId" if case.body.get("userId") else "discordId"
        if case.operation.path == SYNC:
            PAGES.add(page_of(case, answer["cursor"]))
        if case.operation.method.upper() == "DELETE":
            EVIDENCE.pop((case.path_parameters or {}).get("guid"), None)
    if response.status_code == 200 and b"nextCursor" in response.content:
        PAGES.add(page_of(case, response.json().get("nextCursor")))


@schemathesis.hook
def filter_failure(_context, failure, case, response):
    """Drops the failures that are none: a refusal for a limit that no schema can express."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    errors = response.json().get("errors", [])
    fields = [error["field"] for error in errors]
    if case.operation.path.endswith("/bulk"):
        return not fields or not all(limits.may_be_refused_in_bulk(field, case.body) for field in fields)
    sent = {**(case.body if isinstance(case.body, dict) else {}), **(case.path_parameters or {})}
    return not fields or not all(limits.may_be_refused(field, sent) for field in fields)


@schemathesis.check
def undeclared_method_is_not_allowed(_ctx, response, case):
    """In place of `unsupported_method`, whose own requests may fit no path at all: 405 with the path's methods."""
    method = response.request.method
    if method in (case.operation.method.upper(), "HEAD", "OPTIONS"):
        return
    body = response.json()
    if "{" in case.operation.path and response.status_code == 404:
        assert body["code"] == "not_found", f"{method} is answered with {body}"
        return
    if case.operation.path == CREATE_EVIDENCE and method in ("GET", "DELETE"):
        # The gateway sends it to the route of a piece with the GUID "create".
        assert response.status_code in (400, 401, 403), f"{method} is answered with {response.status_code}"
        return
    if case.operation.path == BULK_BANS and method == "GET":
        # The same for a ban with the GUID "bulk".
        assert response.status_code in (400, 401, 403), f"{method} is answered with {response.status_code}"
        return
    assert response.status_code == 405, f"{method} is answered with {response.status_code}, not 405"
    assert body["code"] == "method_not_allowed", f"{method} is answered with {body}"
    declared = {name.upper() for name in case.operation.schema[case.operation.path]}
    # A list, since a header may appear more than once.
    allow = response.headers.get("allow") or []
    allowed = {name.strip() for line in allow for name in line.split(",")}
    assert allowed == declared, f"{method} is answered with allow: {allow}"

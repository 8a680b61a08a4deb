"""Limits of a body that no schema can express: bytes, and the clock.

An implementation independent of the product: it must accept what is well within a limit, and may refuse
what is at the limit or beyond it.
"""

import base64
import datetime
import re
import time

MINUTE = 60
YEAR = 365 * 86_400
# Larger numbers are instants.
ABSOLUTE_FROM = 1_000_000_000
# The limits in bytes of UTF-8; a schema counts characters.
BYTES = {"banPrivateReason": 1000, "banPublicReason": 400, "reason": 1000, "comment": 1000}
# GUIDs are written in up to 20 digits.
LARGEST_GUID = 2**64 - 1
UNITS = {"y": YEAR, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
ISO = {"Y": YEAR, "M": 30 * 86_400, "W": 604_800, "D": 86_400}
ISO_TIME = {"H": 3600, "M": 60, "S": 1}


def may_be_refused(field, body):
    """Whether a field of a body that fits the schema may still be refused."""
    if element := re.fullmatch(r"(\w+)\[(\d+)]\.(\w+)", field):
        name, index, field = element.groups()
        body = body[name][int(index)]
    value = body.get(field) if isinstance(body, dict) else None
    if field == "fileName" and isinstance(value, str):
        return len(value.encode()) > 200 or not is_file_name(value)
    if field == "sha256" and isinstance(value, str):
        return base64.b64encode(base64.b64decode(value)).decode() != value
    if field in BYTES and isinstance(value, str):
        return len(value.encode()) > BYTES[field]
    if field in ("guid", "caseId") and isinstance(value, str):
        return int(value) > LARGEST_GUID
    if field == "evidenceContent" and isinstance(value, str):
        return not is_text(value)
    if field == "discord" and isinstance(value, list):
        # The limit is for both lists together.
        return len(value) + len(body.get("roblox") or []) > 100
    if field == "banLength":
        length = seconds(value)
        return length is None or not MINUTE <= length <= 99 * YEAR
    return False


def may_be_refused_in_bulk(name, body):
    """The same for a field of a bulk call, such as `users[3].banLength`, `users[3]` or `defaults.reason`."""
    found = re.fullmatch(r"(?:users\[(\d+)\]|defaults)(?:\.(\w+))?", name)
    if not isinstance(body, dict) or not found:
        return False
    index, field = found.groups()
    defaults, users = body.get("defaults") or {}, body["users"]
    if index is None:
        return may_be_refused(field, defaults)
    user = users[int(index)]
    if field in (None, "userId"):
        return [number(each) for each in users].count(number(user)) > 1
    merged = {**defaults, **(user if isinstance(user, dict) else {})}
    return merged.get(field) is None or field == "experienceId" or may_be_refused(field, merged)


def number(user):
    """The id of a user of a bulk call."""
    return int(user["userId"] if isinstance(user, dict) else user)


def is_text(encoded):
    """Whether this is base64 of a text without control characters."""
    try:
        text = base64.b64decode(encoded, validate=True)
        return base64.b64encode(text).decode() == encoded and text.decode().isprintable()
    except ValueError:
        return False


def is_file_name(name):
    """Whether this is well within what a file may be called: words of letters and digits."""
    return re.fullmatch(r"\w+([ .-]\w+)*", name) is not None


def seconds(value):
    """About how long a ban with this `banLength` lasts from now; None if unknown."""
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, (int, float)):
        return value - time.time() if value >= ABSOLUTE_FROM else value
    if not isinstance(value, str):
        return None
    if value.startswith("P"):
        date, _, clock = value[1:].partition("T")
        return total(date, ISO) + total(clock, ISO_TIME)
    if "-" in value:
        try:
            return datetime.datetime.fromisoformat(value.upper()).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return total(value, UNITS)


def total(text, units):
    """The sum of numbers with units."""
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(\D)", text))

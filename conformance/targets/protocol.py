"""The protocol for a translator in another program: commands, and the meaning of its answers.

The same objects travel as lines to `exec:CMD` and as bodies to `http:URL`. docs/how-to/targets.md
describes them for those who write a driver.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from conformance.errors import DriverBroken
from conformance.spec.scenarios.loading import Json
from conformance.spec.scenarios.needs import CAPABILITIES

PROTOCOL = 1
"""Grows when a driver that was right would be wrong."""

TELLS = frozenset(["settings", "skipped", "errors", "undelivered"])
"""The optional reports of a driver: wrong settings, and reasons in our codes."""

COMMANDS = ("translate", "deliver")
"""The kinds of drivers: one returns the operations of messages, the other sends them to
Mixpanel."""


class Refused(Exception):
    """The translator does not take a setting: its key, and why."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key!r}: {reason}")


class Unsupported(Exception):
    """The translator does not support this; the text says what."""


class TranslatorFailed(Exception):
    """The translator crashed and its driver caught it; the text is the driver's."""


@dataclass(frozen=True)
class About:
    """A driver's description of itself, from its answer to `start`.

    `does` is one of COMMANDS. `tells` are those of TELLS that it reports; the others are not
    compared. `has` are its capabilities; None means all.
    """

    name: str
    does: str
    modes: frozenset[str]
    rules: frozenset[str]
    tells: frozenset[str]
    has: frozenset[str] | None = None


def start_command(
    settings: Json,
    mode: str,
    rules: str,
    base_urls: Mapping[str, str] | None = None,
    clock_url: str | None = None,
    browser: Json | None = None,
) -> Json:
    """`start`: forget everything and take these settings.

    `base_urls` says where to send what is for one of Mixpanel's hosts, `clock_url` which clock a
    driver that waits can move instead, and `browser` what a page of mode web runs in.
    """
    return {
        "command": "start",
        "protocol": PROTOCOL,
        "settings": settings,
        "mode": mode,
        "rules": rules,
        "base_urls": dict(base_urls or {}),
        "clock_url": clock_url,
        "browser": browser or {},
    }


def timed_command(name: str, messages: Sequence[Any], now: datetime) -> Json:
    """`translate` or `deliver`: messages that arrive now, in order."""
    moment = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"command": name, "now": moment, "messages": list(messages)}


def about(reply: Json, where: str) -> About:
    """The description in a reply to `start`; `where` begins the text of an error.

    Raises Refused, Unsupported, TranslatorFailed, or DriverBroken for any other reply.
    """
    _raise_for(reply, where)
    refused = reply.get("refused")
    if refused is not None:
        key = refused.get("key") if isinstance(refused, dict) else None
        if not isinstance(key, str):
            raise DriverBroken(f"{where}: 'refused' must be an object with the 'key'")
        raise Refused(key, str(refused.get("reason", "")))
    if reply.get("protocol") != PROTOCOL:
        raise DriverBroken(
            f"{where}: 'protocol' must be {PROTOCOL}, as asked, not {reply.get('protocol')!r}"
        )
    if reply.get("does") not in COMMANDS:
        raise DriverBroken(f"{where}: 'does' must be 'translate' or 'deliver'")
    tells = _words(reply, "tells", (), where)
    if tells - TELLS:
        raise DriverBroken(
            f"{where}: 'tells' can hold {', '.join(sorted(TELLS))}, not {min(tells)!r}"
        )
    has = None if reply.get("has") is None else _words(reply, "has", (), where)
    if has is not None and has - CAPABILITIES.keys():
        known = ", ".join(CAPABILITIES)
        wrong = min(has - CAPABILITIES.keys())
        raise DriverBroken(f"{where}: 'has' can hold {known}, not {wrong!r}")
    return About(
        name=str(reply.get("name", "a translator without a name")),
        does=str(reply["does"]),
        modes=_words(reply, "modes", ("cloud",), where),
        rules=_words(reply, "rules", ("documented",), where),
        tells=tells,
        has=has,
    )


def answers(
    reply: Json, messages: Sequence[Any], command: str, where: str, *, device: bool = False
) -> list[Json]:
    """The answers to the messages, checked; `where` begins the text of an error.

    In `device` modes an answer to `translate` has `calls` in place of `operations`.

    Raises Unsupported, TranslatorFailed, or DriverBroken for any other reply.
    """
    _raise_for(reply, where)
    found = reply.get("answers")
    if not isinstance(found, list) or len(found) != len(messages):
        raise DriverBroken(f"{where}: 'answers' must be a list with one object for each message")
    for index, (message, answer) in enumerate(zip(messages, found, strict=True)):
        problem = _answer_problem(answer, command, device) or _order_problem(message, answer)
        if problem:
            raise DriverBroken(f"{where}: answers[{index}]: {problem}")
    return found


def _raise_for(reply: Json, where: str) -> None:
    for key, kind in (("unsupported", Unsupported), ("failed", TranslatorFailed)):
        text = reply.get(key)
        if text is not None:
            if not isinstance(text, str):
                raise DriverBroken(f"{where}: {key!r} must be text")
            raise kind(text)


def _words(reply: Json, key: str, default: tuple[str, ...], where: str) -> frozenset[str]:
    words = reply.get(key, default)
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise DriverBroken(f"{where}: {key!r} must be a list of words")
    return frozenset(words)


def _answer_problem(answer: Any, command: str, device: bool) -> str | None:
    if not isinstance(answer, dict):
        return "must be an object"
    lists: list[tuple[str, Mapping[str, type]]] = [("skipped", {})]
    if device:
        calls = answer.get("calls"), answer.get("start_up", [])
        if not all(isinstance(each, list) for each in calls):
            return "'calls' must be a list, and so must 'start_up' if it is there"
        if not all(isinstance(call, list) for each in calls for call in each or ()):
            return "a call must be a list: the method, then its arguments"
    elif command == "translate":
        lists.append(("operations", {"endpoint": str, "host": str, "payload": dict}))
        if "operations" not in answer:
            return "'operations' is missing"
    else:
        lists.append(("undelivered", {"endpoint": str}))
    for key, members in lists:
        items = answer.get(key, [])
        if not isinstance(items, list):
            return f"{key!r} must be a list"
        for index, item in enumerate(items):
            problem = _member_problem(item, members)
            if problem is None and key == "operations":
                problem = _sending_problem(item)
            if problem:
                return f"{key}[{index}]: {problem}"
    error = answer.get("error")
    problem = None if error is None else _member_problem(error, {})
    return f"error: {problem}" if problem else None


def _order_problem(message: Any, answer: Json) -> str | None:
    """Whether the answer names another message than the one at its place."""
    given = message.get("messageId") if isinstance(message, dict) else None
    named = answer.get("messageId")
    if None not in (named, given) and named != given:
        return (
            f"'messageId' is {named!r:.80}, but this message has {given!r:.80}; "
            "answers must have the order of the messages"
        )
    return None


def _sending_problem(operation: Json) -> str | None:
    """The problem with the path, `auth` or `query` of an operation, or None."""
    if not operation["endpoint"].startswith("/"):
        return f"'endpoint' must be a path such as '/track', not {operation['endpoint']!r:.80}"
    auth, query = operation.get("auth"), operation.get("query")
    if auth is not None and not (
        isinstance(auth, dict)
        and auth.keys() <= {"user", "password"}
        and all(isinstance(each, str) for each in auth.values())
    ):
        return "'auth' must be an object with the texts 'user' and 'password'"
    if query is not None and not (
        isinstance(query, dict) and all(isinstance(each, str) for each in query.values())
    ):
        return "'query' must be an object of texts"
    return None


def _member_problem(item: Any, members: Mapping[str, type]) -> str | None:
    if not isinstance(item, dict):
        return "must be an object"
    for name, kind in members.items():
        if not isinstance(item.get(name), kind):
            return f"{name!r} must be {'an object' if kind is dict else 'text'}"
    return None

"""The driver of our own translator at another revision.

    python -P revision_driver.py FOLDER

A script, not a part of the package: it runs the code in FOLDER and must not import anything of this
revision. It relies on what every revision has: `translate`, `Settings`, `Rules`, and a result with
`as_json`. docs/how-to/targets.md describes the protocol.
"""

import json
import re
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson


def main() -> None:
    """Answer each line of standard input, until it ends."""
    sys.path.insert(0, sys.argv[1])
    answer: Callable[[Any, datetime], Any] | None = None
    for line in sys.stdin.buffer:
        ask = parsed(line)
        reply: dict[str, Any] = {}
        if ask["command"] == "start":
            answer, reply = started(ask)
        elif ask["command"] == "translate":
            assert answer is not None, "not started"
            now = datetime.fromisoformat(ask["now"])
            reply = {"answers": [answer(message, now) for message in ask["messages"]]}
        sys.stdout.buffer.write(printed(reply) + b"\n")
        sys.stdout.buffer.flush()


LONG_NUMBER = re.compile(rb"\d{19}")


def parsed(line: bytes) -> Any:
    """The value of a line. orjson reads whole numbers of more than 64 bits as floats."""
    return json.loads(line) if LONG_NUMBER.search(line) else orjson.loads(line)


def printed(reply: dict[str, Any]) -> bytes:
    """The reply as JSON text. orjson refuses whole numbers of more than 64 bits."""
    try:
        return orjson.dumps(reply)
    except TypeError:
        return json.dumps(reply).encode()


def started(ask: Any) -> tuple[Callable[[Any, datetime], Any] | None, dict[str, Any]]:
    """The function that answers a message, and the reply to `start`."""
    from translator import Rules, Settings, translate

    try:
        settings = Settings.from_json(ask["settings"])
    except ValueError as error:
        return None, {"refused": {"key": "settings", "reason": str(error)}}
    try:
        rules = mixed_rules(Rules, ask["rules"])
    except (ValueError, AttributeError) as error:
        return None, {"unsupported": f"this revision cannot follow rules {ask['rules']!r}: {error}"}

    def answer(message: Any, now: datetime) -> Any:
        try:
            return translate(message, settings, now=now, mode=ask["mode"], rules=rules).as_json()
        except Exception as error:
            text = f"the translator failed: {error!r:.200}"
            return {"operations": [], "error": {"code": "internal_error", "message": text}}

    return answer, {
        "protocol": 1,
        "name": "mockpanel",
        "does": "translate",
        "rules": [ask["rules"]],
        "tells": ["settings", "skipped", "errors"],
    }


def mixed_rules(rules: Any, text: str) -> Any:
    """A rule set, or a mix such as `observed+group_calls`, in terms of the revision's `Rules`."""
    name, *changes = re.split(r"([+-])", text)
    found = rules.observed() if name == "observed" else rules.documented()
    for sign, rule in zip(changes[::2], changes[1::2], strict=True):
        if sign == "-":
            raise ValueError("a revision accepts added rules only, such as observed+group_calls")
        found = found.following(rule)
    return found


if __name__ == "__main__":
    main()

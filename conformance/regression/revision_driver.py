"""The driver of our own translator as it was at some revision.

    python -P revision_driver.py FOLDER

A script, not a part of the package: it runs the code in FOLDER and must import nothing of this
revision. It relies on what every revision has: `translate`, `Settings`, `Rules`, and a result that
can be printed. docs/how-to/targets.md describes the protocol.
"""

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
        ask = orjson.loads(line)
        reply: dict[str, Any] = {}
        if ask["command"] == "start":
            answer, reply = started(ask)
        elif ask["command"] == "translate":
            assert answer is not None, "not started"
            now = datetime.fromisoformat(ask["now"])
            reply = {"answers": [answer(message, now) for message in ask["messages"]]}
        sys.stdout.buffer.write(orjson.dumps(reply) + b"\n")
        sys.stdout.buffer.flush()


def started(ask: Any) -> tuple[Callable[[Any, datetime], Any] | None, dict[str, Any]]:
    """The function that answers a message, and the reply to `start`."""
    from translator import Rules, Settings, translate

    try:
        settings = Settings.from_json(ask["settings"])
    except ValueError as error:
        return None, {"refused": {"key": "settings", "reason": str(error)}}
    rules = Rules.observed() if ask["rules"] == "observed" else Rules.documented()

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
        "rules": ["documented", "observed"],
        "tells": ["settings", "skipped", "errors"],
    }


if __name__ == "__main__":
    main()

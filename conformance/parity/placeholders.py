"""Fills the placeholders of a probe: ids, times and large values.

In a text: `<key>` (unique for run and probe), `<uuid>` (made from the key), `<token>`,
`<group_key>`, `<n>` (number of a repeated record), `<day-1>` (a date) and `<text 300>` (300
letters).

As a whole value: `<number>` (made from the key), `<now-60>` and `<ms-60>` (seconds or milliseconds
since 1970, the offset always in seconds), `<list 256>` and `<nested 4>` (a list of numbers, objects
inside each other).

As a key with an empty value: `<event a 1>` (token, distinct id `<key>-a`, time, `$insert_id`
`<key>-1`), `<profile a>`, `<group a>` and `<keys 256>` (256 properties).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

_TEXT = re.compile(r"<(key|token|group_key|uuid|n|text \d+|day(?:[+-]\d+)?)>")
_VALUE = re.compile(r"<(now|ms|number|list|nested)(?:([+-]\d+)| (\d+))?>")
_KEY = re.compile(r"<(event|profile|group|keys) ([a-z0-9]+)(?: (\d+))?>")
EVENT_AGE = 60
"""Seconds between the events of `<event a 1>` and the start of the run."""


@dataclass(frozen=True)
class Values:
    """The values for the placeholders; `now` is the start of the run in seconds since 1970."""

    key: str
    token: str
    group_key: str
    now: int
    number: int = 0

    def fill(self, value: Any) -> Any:
        """A copy of a JSON value with all placeholders filled."""
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        if not isinstance(value, str):
            return value
        whole = _VALUE.fullmatch(value)
        return self._value(*whole.groups()) if whole else _TEXT.sub(self._text, value)

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, item in value.items():
            spread = _KEY.fullmatch(name)
            if spread:
                found |= self._members(*spread.groups())
            else:
                found[str(self.fill(name))] = self.fill(item)
        return found

    def _members(self, kind: str, who: str, number: str | None) -> dict[str, Any]:
        if kind == "keys":
            return {f"k{n}": n for n in range(int(who))}
        name = f"{self.key}-{who}"
        if kind == "profile":
            return {"$token": self.token, "$distinct_id": name}
        if kind == "group":
            return {"$token": self.token, "$group_key": self.group_key, "$group_id": name}
        return {
            "token": self.token,
            "distinct_id": name,
            "time": self.now - EVENT_AGE,
            "$insert_id": f"{self.key}-{number or 1}",
        }

    def _value(self, kind: str, offset: str | None, count: str | None) -> Any:
        if kind == "list":
            return list(range(int(count or 0)))
        if kind == "nested":
            found: Any = "leaf"
            for _ in range(int(count or 0)):
                found = {"inner": found}
            return found
        if kind == "number":
            return int(uuid5(NAMESPACE_URL, self.key).hex[:12], 16)
        moment = self.now + int(offset or 0)
        return moment * 1000 if kind == "ms" else moment

    def _text(self, match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("text "):
            return "x" * int(name.removeprefix("text "))
        if name.startswith("day"):
            days = timedelta(days=int(name.removeprefix("day") or 0))
            return (datetime.fromtimestamp(self.now, UTC) + days).date().isoformat()
        texts: dict[str, Callable[[], str]] = {
            "key": lambda: self.key,
            "token": lambda: self.token,
            "group_key": lambda: self.group_key,
            "uuid": lambda: str(uuid5(NAMESPACE_URL, self.key)),
            "n": lambda: str(self.number),
        }
        return texts[name]()

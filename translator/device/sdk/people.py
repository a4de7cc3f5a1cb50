"""`mixpanel.people`: profile updates, which are queued in the persistence until an identify call.

Queued updates are merged (docs/facts/device-mode.md#web-requests-of-mixpanel-js): sets replace,
additions add up, unions keep each element once. A set cancels other queued updates of the property,
and an addition to a queued set is added to its value.
"""

from collections.abc import Callable
from typing import Any

from translator.core.operations import Json
from translator.device.sdk.browser import Browser
from translator.device.sdk.persistence import QUEUES, Persistence
from translator.device.sdk.values import each, encode_dates
from translator.device.web import js

RESERVED = (
    "$distinct_id",
    "$token",
    "$device_id",
    "$user_id",
    "$had_persisted_distinct_id",
)
"""Properties that no update may set."""

IDS = ("$device_id", "$user_id", "$had_persisted_distinct_id")
"""Stored ids that every update carries if they are known."""


class MixpanelPeople:
    """The methods that the integrations use. `send` sends a complete update."""

    def __init__(
        self, token: str, browser: Browser, persistence: Persistence, send: Callable[[Json], None]
    ) -> None:
        self._token = token
        self._browser = browser
        self._persistence = persistence
        self._send = send
        self.identified = False

    def set(self, properties: Json) -> None:
        """Set properties, and the browser's default properties with them."""
        wanted = _allowed(properties)
        remember_referrer(self._persistence, self._browser)
        self._update("$set", self._browser.people_properties() | wanted)

    def set_once(self, properties: Json) -> None:
        """Set properties that the profile does not have."""
        self._update("$set_once", _allowed(properties))

    def increment(self, properties: Json) -> None:
        """Add numbers to properties."""
        self._update("$add", properties)

    def union(self, properties: Json) -> None:
        """Add elements to lists."""
        lists = {
            key: value if isinstance(value, list) else [value]
            for key, value in _allowed(properties).items()
        }
        self._update("$union", lists)

    def append(self, properties: Json) -> None:
        """Append an element to each of some lists."""
        self._update("$append", _allowed(properties))

    def _update(self, operator: str, properties: Json) -> None:
        stored = self._persistence.get
        update: Json = {operator: properties, "$token": self._token}
        update["$distinct_id"] = stored("distinct_id")
        update |= {name: value for name in IDS if js.truthy(value := stored(name))}
        update = encode_dates(update)
        if self.identified:
            self._send(update)
        else:
            for each_operator in QUEUES:
                self._persistence.queue(each_operator)
            _QUEUE[operator](self._persistence, update[operator])
            self._persistence.save()

    def flush(self) -> None:
        """Send the queued updates, one request per operator."""
        self._flush("$set", self.set)
        self._flush("$set_once", self.set_once)
        self._flush("$add", lambda waiting: self.increment(_numbers(waiting)))
        self._flush("$union", self.union)
        for _ in list(self._persistence.get("__mpap") or ()):
            item = self._persistence.queue("$append").pop()
            self._persistence.save()
            if item:
                self.append(item)

    def _flush(self, operator: str, method: Callable[[Json], None]) -> None:
        waiting = dict(self._persistence.get(QUEUES[operator]) or {})
        if waiting:
            _forget(self._persistence, operator, waiting)
            self._persistence.save()
            method(waiting)


def remember_referrer(persistence: Persistence, browser: Browser) -> None:
    """Store the referrer of the first visit."""
    persistence.register_once(
        {
            "$initial_referrer": browser.referrer or "$direct",
            "$initial_referring_domain": browser.referring_domain or "$direct",
        }
    )


def _allowed(properties: Json) -> Json:
    return {key: value for key, value in each(properties) if key not in RESERVED}


def _numbers(waiting: Json) -> Json:
    numbers = {key: value for key, value in each(waiting) if js.parse_float(value) is not None}
    return _allowed(numbers)


def _forget(persistence: Persistence, operator: str, properties: Json) -> None:
    queue = persistence.queue(operator)
    for key, _ in each(properties):
        queue.pop(key, None)


def _queue_set(persistence: Persistence, properties: Json) -> None:
    persistence.queue("$set").update(properties)
    for operator in ("$add", "$union", "$unset"):
        _forget(persistence, operator, properties)


def _queue_set_once(persistence: Persistence, properties: Json) -> None:
    queue = persistence.queue("$set_once")
    for key, value in each(properties):
        queue.setdefault(key, value)


def _queue_add(persistence: Persistence, properties: Json) -> None:
    waiting_set, queue = persistence.queue("$set"), persistence.queue("$add")
    for key, value in each(properties):
        if key in waiting_set:
            waiting_set[key] = js.add(waiting_set[key], value)
        else:
            queue[key] = js.add(queue.get(key, 0), value)


def _queue_union(persistence: Persistence, properties: Json) -> None:
    queue = persistence.queue("$union")
    for key, value in each(properties):
        waiting: list[Any] = queue.setdefault(key, [])
        waiting += (item for item in value if not any(js.same(item, one) for one in waiting))


def _queue_append(persistence: Persistence, properties: Json) -> None:
    persistence.queue("$append").append(properties)


_QUEUE: dict[str, Callable[[Persistence, Json], None]] = {
    "$set": _queue_set,
    "$set_once": _queue_set_once,
    "$add": _queue_add,
    "$union": _queue_union,
    "$append": _queue_append,
}

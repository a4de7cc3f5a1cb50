"""The data that mixpanel-js stores across pages: identity, super properties, queued updates.

It is one cookie or localStorage item with JSON. It is read before every use and written after every
change, so that a value that cannot be written is lost
(docs/facts/device-mode.md#web-requests-of-mixpanel-js).
"""

import json
from typing import Any

from translator.core.operations import Json
from translator.device.sdk.browser import Browser
from translator.device.sdk.storage import Cookie, Storage, domain_of
from translator.device.sdk.values import each, stringify

QUEUES = {
    "$set": "__mps",
    "$set_once": "__mpso",
    "$unset": "__mpus",
    "$add": "__mpa",
    "$append": "__mpap",
    "$remove": "__mpr",
    "$union": "__mpu",
}
"""Operator -> the stored property that is the queue of its updates."""

RESERVED = frozenset([*QUEUES.values(), "$people_distinct_id", "__alias", "__timers"])
"""Stored properties that are not super properties."""

EXPIRES_DAYS = 365


class Persistence:
    """The stored properties of one SDK instance."""

    def __init__(self, config: Json, browser: Browser, storage: Storage) -> None:
        name = config.get("cookie_name") or f"{config['token']}_mixpanel"
        self.name = f"mp_{name}"
        self._browser = browser
        self._storage = storage
        self._local = config.get("persistence") == "localStorage"
        self._secure = bool(config.get("secure_cookie"))
        self._domain = domain_of(
            browser, cross_subdomain=bool(config.get("cross_subdomain_cookie", True))
        )
        self.properties: Json = {}
        self.load()
        self._take_over()
        self.save()

    def load(self) -> None:
        """Read the stored properties; without any, keep those in memory."""
        if self._local:
            text = self._storage.local.get(self.name)
        else:
            cookie = self._storage.cookies.get(self.name)
            text = cookie.value if cookie else None
        if text is not None:
            self.properties = json.loads(text)

    def save(self) -> None:
        """Write all properties."""
        text = stringify(self.properties)
        if self._local:
            self._storage.local[self.name] = text
        else:
            cookie = Cookie(self.name, text, self._domain, self._secure, EXPIRES_DAYS)
            self._storage.set_cookie(cookie, self._browser)

    def _take_over(self) -> None:
        """Move what an earlier page stored in the other place."""
        if self._local:
            cookie = self._storage.cookies.pop(self.name, None)
            old = cookie.value if cookie else None
        else:
            old = self._storage.local.pop(self.name, None)
        if old is not None:
            self.register_once(json.loads(old), "None")

    def get(self, name: str) -> Any:
        """A stored property; None if it does not exist."""
        self.load()
        return self.properties.get(name)

    def super_properties(self) -> Json:
        """The properties of every event."""
        self.load()
        return {key: value for key, value in each(self.properties) if key not in RESERVED}

    def register(self, properties: Json) -> None:
        """Store properties, replacing those of the same names."""
        self.load()
        self.properties.update(properties)
        self.save()

    def register_once(self, properties: Json, default: str = "") -> None:
        """Store properties that do not exist or have the value `default`."""
        self.load()
        for key, value in each(properties):
            if key not in self.properties or self.properties[key] == default:
                self.properties[key] = value
        self.save()

    def unregister(self, name: str) -> None:
        """Delete a property."""
        self.load()
        if name in self.properties:
            del self.properties[name]
            self.save()

    def queue(self, operator: str) -> Any:
        """The queue of an operator; created if it does not exist."""
        empty: Any = [] if operator in ("$append", "$remove") else {}
        return self.properties.setdefault(QUEUES[operator], empty)

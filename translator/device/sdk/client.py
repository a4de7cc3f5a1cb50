"""The SDK instance of a page: it turns method calls into requests.

Requests are sent in the order of the calls. Work that waits for a response (the second half of an
alias) or for the next batch is done in `settle`, which models a page that is idle for a while.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from translator.core.operations import Json
from translator.device.calls import MethodCall
from translator.device.sdk.browser import CAMPAIGN, Browser
from translator.device.sdk.entropy import Entropy
from translator.device.sdk.people import MixpanelPeople, remember_referrer
from translator.device.sdk.persistence import Persistence
from translator.device.sdk.storage import Storage
from translator.device.sdk.values import each, encode_dates, truncate
from translator.device.sdk.wire import API_HOST, PATHS, WireRequest, encoding_of
from translator.device.web import js

LIB_VERSION = "2.83.0"
CHARGES_UNTIL = (2, 65)
"""`people.track_charge` has no effect in this version and later ones."""
BATCH_SIZE = 50
QUEUE_NAMES = {"events": "ev", "people": "pp", "groups": "gr"}
DEVICE_PREFIX = "$device:"
GROUP_RESERVED = ("$group_key", "$group_id")


class MixpanelJs:
    """mixpanel-js on one page.

    `storage` outlives the instance: a new instance with the same storage is a reloaded page.
    `clock` returns the time in milliseconds since 1970, `entropy` the random ids.
    """

    def __init__(
        self,
        config: Json,
        *,
        browser: Browser,
        storage: Storage,
        entropy: Entropy,
        clock: Callable[[], int],
        lib_version: str = LIB_VERSION,
    ) -> None:
        self.config = config
        self.requests: list[WireRequest] = []
        self._browser, self._storage = browser, storage
        self._entropy, self._clock = entropy, clock
        self._lib_version = lib_version
        self._batching = bool(config.get("batch_requests", True))
        self._waiting: deque[Callable[[], None]] = deque()
        self._batches: dict[str, list[Json]] = {}
        self._group: tuple[str, Any] = ("", None)
        self.persistence = Persistence(config, browser, storage)
        uuid = entropy.uuid()
        if not js.truthy(self.get_property("distinct_id")):
            ids = {"distinct_id": DEVICE_PREFIX + uuid, "$device_id": uuid}
            self.persistence.register_once(ids)
        self.people = MixpanelPeople(
            config["token"], browser, self.persistence, lambda update: self._send("people", update)
        )
        campaign = browser.campaign()
        if campaign:
            names = WITH_GAPS | campaign
            self.people.set_once({f"initial_{name}": value for name, value in names.items()})

    def loaded(self) -> None:
        """The SDK's work after the page's own `loaded` callback."""
        self._remember_arrival()
        referrer = {
            name: value
            for name in ("$initial_referrer", "$initial_referring_domain")
            if isinstance(value := self.get_property(name), str) and value
        }
        self.people.set_once(referrer)

    def call(self, call: MethodCall) -> None:
        """Make a call. Raises KeyError for a method that the model does not have."""
        _METHODS[call.method](self, *call.args)

    def get_property(self, name: str) -> Any:
        """A stored property; None if it does not exist."""
        return self.persistence.get(name)

    def settle(self) -> None:
        """Let responses arrive and send batches, until no work is left."""
        while self._waiting:
            self._waiting.popleft()()
        for kind in PATHS:
            items = self._batches.pop(kind, [])
            for start in range(0, len(items), BATCH_SIZE):
                self._request(kind, items[start : start + BATCH_SIZE], batch=True)

    # Methods of the SDK.

    def track(self, event: str, properties: Json, then: Callable[[], None] = lambda: None) -> None:
        """Send an event. `then` runs when its response arrives."""
        self._remember_arrival()
        own = self._browser.event_properties()
        own["$lib_version"] = self._lib_version
        own["$insert_id"] = self._entropy.insert_id()
        own["time"] = self._clock() / 1000
        own |= self._browser.marketing()
        own |= self.persistence.super_properties()
        own |= properties | {"token": self.config["token"]}
        self._send("events", {"event": event, "properties": own})
        self._waiting.append(then)

    def identify(self, new: Any) -> None:
        """Set the user id, and send the profile updates that wait for it."""
        previous = self.get_property("distinct_id")
        changed = not js.same(new, previous)
        if js.truthy(new) and changed:
            if isinstance(new, str) and new.startswith(DEVICE_PREFIX):
                return
            self.persistence.register({"$user_id": new})
        if not js.truthy(self.get_property("$device_id")):
            # The stored id may be that of an earlier user and not of the device.
            ids = {"$had_persisted_distinct_id": True, "$device_id": previous}
            self.persistence.register_once(ids)
        if changed and not js.same(new, self.get_property("__alias")):
            self.persistence.unregister("__alias")
            self.persistence.register({"distinct_id": new})
        self.people.identified = True
        self.people.flush()
        if changed:
            self.track("$identify", {"distinct_id": new, "$anon_distinct_id": previous})

    def alias(self, new: Any, previous: Any = None) -> None:
        """Send an alias for the current or another id, then identify as the new id."""
        if js.same(new, self.get_property("$people_distinct_id")):
            return
        if previous is None:
            previous = self.get_property("distinct_id")
        if js.same(new, previous):
            self.identify(new)
            return
        self.persistence.register({"__alias": new})
        properties = {"alias": new, "distinct_id": previous}
        self.track("$create_alias", properties, lambda: self.identify(new))

    def register(self, properties: Json) -> None:
        """Store super properties."""
        self.persistence.register(properties)

    def name_tag(self, tag: Any) -> None:
        """Store the name tag."""
        self.persistence.register({"mp_name_tag": tag})

    def set_group(self, key: str, group_ids: list[Any]) -> None:
        """Make the user a member of groups."""
        self.persistence.register({key: group_ids})
        self.people.set({key: group_ids})

    def get_group(self, key: str, group_id: Any) -> None:
        """Select the group for the next calls on a group object."""
        self._group = key, group_id

    def update_group(self, operator: str, properties: Json) -> None:
        """Update the profile of the selected group."""
        key, group_id = self._group
        allowed = {name: item for name, item in each(properties) if name not in GROUP_RESERVED}
        update = {operator: allowed, "$group_key": key, "$group_id": group_id}
        self._send("groups", encode_dates({**update, "$token": self.config["token"]}))

    def track_charge(self, amount: float) -> None:
        """Add a transaction to the profile; only versions before `CHARGES_UNTIL` do."""
        version = tuple(int(part) for part in self._lib_version.split(".")[:2])
        if version < CHARGES_UNTIL:
            self.people.append({"$transactions": {"$amount": amount}})

    # Internals.

    def _remember_arrival(self) -> None:
        self.persistence.register(self._browser.search())
        self.persistence.register(self._browser.campaign())
        remember_referrer(self.persistence, self._browser)

    def _send(self, kind: str, record: Json) -> None:
        cut = truncate(record)
        if not self._batching:
            self._request(kind, cut, batch=False)
            return
        self._storage.local[f"__mpq_{self.config['token']}_{QUEUE_NAMES[kind]}"] = "[]"
        if kind == "events" and cut["event"]:
            cut["properties"]["mp_sent_by_lib_version"] = self._lib_version
        self._batches.setdefault(kind, []).append(cut)

    def _request(self, kind: str, data: Any, *, batch: bool) -> None:
        api_host = self.config.get("api_host") or API_HOST
        encoding = encoding_of(self.config)
        self.requests.append(
            WireRequest(api_host, PATHS[kind], data, encoding, self._clock(), batch)
        )


WITH_GAPS: Json = dict.fromkeys(CAMPAIGN)


def _one(method: Callable[[MixpanelPeople, Json], None]) -> Callable[..., None]:
    """A people method that takes an object, or a name and a value."""

    def called(sdk: MixpanelJs, properties: Any, value: Any = 1) -> None:
        given = properties if isinstance(properties, dict) else {properties: value}
        method(sdk.people, given)

    return called


_METHODS: Mapping[str, Callable[..., None]] = {
    "track": MixpanelJs.track,
    "identify": MixpanelJs.identify,
    "alias": MixpanelJs.alias,
    "register": MixpanelJs.register,
    "name_tag": MixpanelJs.name_tag,
    "set_group": MixpanelJs.set_group,
    "get_group": MixpanelJs.get_group,
    "get_group().set": lambda sdk, properties: sdk.update_group("$set", properties),
    "get_group().set_once": lambda sdk, properties: sdk.update_group("$set_once", properties),
    "people.set": _one(MixpanelPeople.set),
    "people.set_once": _one(MixpanelPeople.set_once),
    "people.increment": _one(MixpanelPeople.increment),
    "people.union": _one(MixpanelPeople.union),
    "people.track_charge": MixpanelJs.track_charge,
    # These send nothing before the user clicks or submits.
    "track_links": lambda sdk, *_: None,
    "track_forms": lambda sdk, *_: None,
    # An exception of the integration is not a call on the SDK.
    "!throw": lambda sdk, *_: None,
}

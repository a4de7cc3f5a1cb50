"""Hostile messages: values, ids, types and times that have broken translators.

`make_hostile` changes one thing in a good message. The result is always valid JSON.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from conformance.spec.scenarios.loading import Json

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, -0.0, 1e300, 5e-324, 2**53 + 1, 2**63 - 1, -(2**63)),
    *("", " ", "null", "undefined", "NaN", "true", "0", "a" * 300, "b" * 9000, "\u0000", "\ufeff"),
    *(
        "\u202eevil",
        "👩\u200d👩\u200d👧",
        "e\u0301",
        "İ",
        "ß",
        "\U0001f600" * 60,
        "line\nbreak\ttab",
    ),
    *("<script>alert(1)</script>", "'; DROP TABLE users; --", "{{7*7}}", "../../etc/passwd", "%00"),
    *("2026-06-15", "2026-06-15T12:00:00.000Z", "2026-02-30", "0000-00-00", "1781524800", "12:30"),
    *("1969-07-20T20:17:40Z", "2026-06-15T12:00:00+0530", -14_182_940, -14_182_940_000),
    *("$1,234.50", "1.234,50", "1e5", "0x10", "١٢٣", "99999999999999999999"),
    *([], {}, [None], [[]], [1, "1", True], ["a"] * 300, {"a": {"b": {"c": [1, {"d": None}]}}}),
)

NAMES = (
    *("$insert_id", "token", "distinct_id", "time", "ip", "mp_lib", "$distinct_id", "length"),
    *("__proto__", "constructor", "", " ", "a.b", "a[0]", "$", "$set", "ключ", "🔑", "k" * 300),
    *("First Name", "first_name", "FIRSTNAME", "$email", "createdAt", "created_at", "name", "id"),
)

IDS: tuple[Any, ...] = (
    *("", " ", "null", "undefined", "anonymous", "00000000-0000-0000-0000-000000000000", "0"),
    *(0, -1, 12345678901234567890, 1.0, True, [], {}, "id with spaces", "日本語", "x" * 600),
)

TIMES: tuple[Any, ...] = (
    *(None, "", "yesterday", "2026-06-15", "2026-06-15 12:00:00", "2026-06-15T12:00:00+14:00"),
    *("2019-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2100-01-01"),
    *("1969-12-31T23:59:59.999Z", "1955-11-05T06:15:00-0800", "0001-01-01T00:00:00Z", -86_400_000),
    *(1781524800, 1781524800000, 1781524800.25, -1, 0, True, [], {}),
)


def make_hostile(message: Json, random: Random) -> Json:
    """A copy of the message with one thing changed to something hostile."""
    # These calls are rare: half of the hostile ones spoil what the translator looks for.
    rare = message["type"] in ("alias", "group", "identify") and random.random() < 0.5
    spoil = random.choice((_what_matters, _what_matters, _no_ids) if rare else _SPOILERS)
    copy = dict(message)
    spoil(copy, random)
    return copy


def _bag(message: Json) -> str:
    return "traits" if message["type"] in ("identify", "group") else "properties"


def _a_value(message: Json, random: Random) -> None:
    bag = dict(message.get(_bag(message)) or {})
    bag[random.choice((*bag, "thing"))] = random.choice(VALUES)
    message[_bag(message)] = bag


def _a_name(message: Json, random: Random) -> None:
    bag = dict(message.get(_bag(message)) or {})
    bag[random.choice(NAMES)] = random.choice(VALUES)
    message[_bag(message)] = bag


_WHAT_MATTERS: Mapping[str, tuple[str, ...]] = {
    "identify": ("createdAt", "email", "name", "phone"),
    "group": ("company",),
    "track": ("revenue", "price", "results"),
}


def _what_matters(message: Json, random: Random) -> None:
    names = _WHAT_MATTERS.get(message["type"], ("referrer",))
    bag = dict(message.get(_bag(message)) or {})
    name = random.choice(names)
    bag.pop(name, None)
    if random.random() < 0.8:
        bag[name] = random.choice(VALUES)
    message[_bag(message)] = bag


def _many_names(message: Json, random: Random) -> None:
    message[_bag(message)] = {f"property {number}": number for number in range(300)}


def _deep(message: Json, random: Random) -> None:
    value: Any = random.choice(VALUES)
    for _ in range(random.choice((20, 110))):
        value = {"a": value} if random.random() < 0.5 else [value]
    message[_bag(message)] = {"deep": value}


def _no_bag(message: Json, random: Random) -> None:
    message[_bag(message)] = random.choice((None, [], "text", 5, [{"a": 1}]))


def _an_id(message: Json, random: Random) -> None:
    field = random.choice(("userId", "anonymousId", "previousId", "groupId", "messageId"))
    message[field] = random.choice(IDS)


def _no_ids(message: Json, random: Random) -> None:
    for field in ("userId", "anonymousId"):
        message.pop(field, None)


def _a_time(message: Json, random: Random) -> None:
    message["timestamp"] = random.choice(TIMES)


def _no_time(message: Json, random: Random) -> None:
    message.pop("timestamp", None)


def _a_type(message: Json, random: Random) -> None:
    message["type"] = random.choice(("Track", "trak", "", None, 5, "delete", "screen "))


def _a_part_of_the_context(message: Json, random: Random) -> None:
    context = dict(message.get("context") or {})
    parts = ("app", "device", "page", "os", "ip", "library", "campaign", "userAgent", "traits")
    context[random.choice(parts)] = random.choice(VALUES)
    message["context"] = context


def _no_context(message: Json, random: Random) -> None:
    message["context"] = random.choice((None, [], "web", 1))


def _integrations(message: Json, random: Random) -> None:
    message["integrations"] = random.choice(
        (
            {"All": False},
            {"Mixpanel": False},
            {"All": False, "Mixpanel": True},
            [],
            None,
            {"All": 0},
        )
    )


def _old_context(message: Json, random: Random) -> None:
    message["options"] = message.pop("context", {})


_SPOILERS: tuple[Callable[[Json, Random], None], ...] = (
    *(_a_value, _a_value, _a_value, _a_name, _a_name, _many_names, _deep, _no_bag),
    *(_what_matters, _what_matters, _what_matters),
    *(_an_id, _an_id, _no_ids, _a_time, _a_time, _no_time, _a_type, _old_context),
    *(_a_part_of_the_context, _a_part_of_the_context, _no_context, _integrations),
)
"""A name that is listed twice is chosen twice as often."""

"""Sessions for the comparison with the genuine SDK: written by hand, drawn at random, and those of
all scenarios of web mode. None is taken from the captures."""

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance.spec.scenarios.loading import RawLine, load_scenarios

RELOAD = "reload"
"""In place of a message: the page is left and opened again."""

UNBATCHED = {"batch_requests": False}
BATCHED = {"batch_requests": True, "batch_flush_interval_ms": 50}

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) CriOS/124.0.6367.88 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Safari/537.36 Edg/124.0.2478.51"
)
UNKNOWN = "an unknown reader/1.0"


@dataclass(frozen=True)
class Visit:
    """The actions of a visitor on a page, and the properties of the page."""

    id: str
    settings: dict[str, Any]
    messages: list[Any]
    rules: str = "observed"
    host: str = "www.example.com"
    query: str = ""
    referrer: str = ""
    user_agent: str = ""
    screen: tuple[int, int] = (1440, 900)
    sdk_config: dict[str, Any] = field(default_factory=lambda: UNBATCHED)


def track(event: str, **properties: Any) -> dict[str, Any]:
    """A track message."""
    return {"type": "track", "event": event, "properties": properties}


def identify(user_id: Any = None, **traits: Any) -> dict[str, Any]:
    """An identify message."""
    known = {} if user_id is None else {"userId": user_id}
    return {"type": "identify", **known, "traits": traits}


def alias(user_id: Any, previous: Any = None) -> dict[str, Any]:
    """An alias message."""
    known = {} if previous is None else {"previousId": previous}
    return {"type": "alias", "userId": user_id, **known}


def group(group_id: Any, **traits: Any) -> dict[str, Any]:
    """A group message."""
    return {"type": "group", "groupId": group_id, "traits": traits}


PEOPLE = {"people": True}
COUNTED = {**PEOPLE, "eventIncrements": ["a", "b", "length"], "propIncrements": ["n", "length"]}
GROUPED = {**PEOPLE, "groupIdentifierTraits": ["company", "team"]}

BY_HAND = [
    # Identity.
    Visit("sign-up", PEOPLE, [track("a"), identify("u-1", plan="pro"), track("b"), track("c")]),
    Visit("same-user-again", PEOPLE, [identify("u-1"), identify("u-1", n=1), track("a")]),
    Visit("number-and-text", PEOPLE, [identify(7), identify("7"), identify(7), track("a")]),
    Visit("device-prefix", PEOPLE, [identify("$device:x", a=1), track("a"), identify("u", b=2)]),
    Visit("switch-and-back", {}, [identify("u"), identify("v"), identify("u"), track("a")]),
    Visit("user-is-true", PEOPLE, [identify(True, a=1), track("a")]),
    Visit("alias-first", {}, [alias("u"), track("a"), identify("u"), track("b"), identify("v")]),
    Visit("alias-later", PEOPLE, [identify("u", a=1), alias("v"), track("a"), identify("v", b=1)]),
    Visit("alias-previous", {}, [alias("u", "p"), track("a"), alias("p", "u"), alias("w", "w")]),
    Visit("alias-number", PEOPLE, [alias(5), identify(5), track("a"), alias(5, 5)]),
    Visit("alias-with-waiting-updates", COUNTED, [track("a", n=1), alias("u"), track("a", n=2)]),
    Visit("stored-ids", {}, [identify(None, distinct_id="x"), track("a"), identify("u")]),
    Visit("no-device-id", {}, [{**identify(), "traits": {"$device_id": ""}}, identify("u")]),
    Visit("false-ids", {}, [{**identify(), "traits": {"$user_id": 0}}, track("a"), identify("u")]),
    # Waiting profile updates.
    Visit(
        "waiting-sets",
        PEOPLE,
        [identify(None, a=1, b=[1]), identify(None, a=2, c="x"), identify("u")],
    ),
    Visit(
        "waiting-unions",
        PEOPLE,
        [
            identify(None, tags=["a", "b", "a", 1, True, None, {"x": 1}]),
            identify(None, tags=["b", "c", 1.0, {"x": 1}, [1]]),
            identify("u"),
        ],
    ),
    Visit(
        "set-cancels-union", PEOPLE, [identify(None, t=["a"]), identify(None, t=1), identify("u")]
    ),
    Visit("set-cancels-add", COUNTED, [track("x", n=2), identify(None, n=5), identify("u")]),
    Visit("add-onto-set", COUNTED, [identify(None, n=5), track("x", n=2), identify("u")]),
    Visit("add-onto-text", COUNTED, [identify(None, n="5"), track("x", n=2), identify("u")]),
    Visit(
        "adds-of-every-kind",
        COUNTED,
        [
            *(track("x", n=value) for value in (1, "2", None, True, [1, 2], {"a": 1}, 0.1)),
            identify("u"),
            *(track("x", N=value) for value in (1, "2", None, True, [1, 2], {"a": 1}, 0.1)),
        ],
    ),
    Visit("adds-that-are-no-numbers", COUNTED, [track("x", n="two"), identify("u")]),
    Visit("reload-waits", COUNTED, [track("a", n=1), RELOAD, track("a", n=2), identify("u")]),
    Visit("reload-known", COUNTED, [identify("u", a=1), RELOAD, track("a", n=1), identify("u")]),
    Visit("reload-alias", {}, [alias("u"), RELOAD, track("a"), identify("u"), track("b")]),
    # Words that the SDK reads its own way.
    Visit(
        "length",
        COUNTED,
        [
            identify("u"),
            track("a", length=3, n=1),
            track("a", length="long"),
            track("a", length=0),
            track("length"),
            track("a", inner={"length": 1, "0": "kept", "x": "lost"}),
        ],
    ),
    Visit("length-waits", COUNTED, [track("length", n=1), track("a", length=2), identify("u")]),
    Visit("length-trait", PEOPLE, [identify("u", length=2, plan="pro"), track("a"), track("b")]),
    Visit("length-list", PEOPLE, [identify("u", length=["a"]), track("a", length=["a"])]),
    Visit("length-group", GROUPED, [identify("u"), group("g", length=1, a=2), track("a")]),
    Visit(
        "reserved-names",
        PEOPLE,
        [
            identify(
                "u",
                **{"$token": "x", "$distinct_id": "y", "$device_id": "z", "token": "t", "ip": "i"},
            ),
            track("a", **{"time": 5, "$insert_id": "Mine", "mp_lib": "x", "$os": "BeOS"}),
            track("a", **{"distinct_id": "x", "$device_id": "y", "$user_id": "z"}),
        ],
    ),
    # Values.
    Visit(
        "long-texts", PEOPLE, [identify("u" * 300, a="b" * 300), track("e" * 300, p=["q" * 300])]
    ),
    Visit("torn-characters", PEOPLE, [identify("u", a="x" * 254 + "\U0001f600"), track("a")]),
    Visit(
        "texts",
        {},
        [track("naïve ☕ 東京 \U0001f600", **{"a&b=c+d%": "x&y=z +%20\u2028\n\"\\'", "": "empty"})],
    ),
    Visit("numbers", {}, [track("a", a=2**53 + 1, b=1e21, c=1e-7, d=-0.0, e=1.0, f=12345.678)]),
    Visit("deep", PEOPLE, [identify("u", a={"b": {"c": [{"d": [None, {}, []]}]}}), track("a")]),
    Visit(
        "dates",
        {**GROUPED, "superProperties": ["when"]},
        [
            identify("u", at="2026-02-31", list=["2026-01-01"], created=1577836800),
            group("g", at="2026-01-01T10:00:00+02:00", list=["2026-01-01", {"at": "2026-01-01"}]),
            track("a", when="2026-01-01", in_list=["2026-01-01"]),
            track("b"),
        ],
    ),
    Visit(
        "cookie-too-large",
        PEOPLE,
        [identify("u", a="b"), identify("u", text="x" * 4000), track("a"), identify("v", c=1)],
    ),
    Visit(
        "no-cookie-too-large",
        {**PEOPLE, "persistence": "localStorage"},
        [identify("u", text="x" * 4000), track("a"), RELOAD, track("b")],
    ),
    Visit("cookie-of-umlauts", PEOPLE, [identify("u", text="ü" * 650), track("a"), track("b")]),
    # Groups.
    Visit("groups", GROUPED, [group("g", a=1), identify("u"), group("g", a=1), track("a")]),
    Visit("group-replaced", GROUPED, [identify("u"), group("g"), group(9, a=None), track("a")]),
    Visit(
        "group-documented",
        {**GROUPED, "groupSetOnce": ["since"]},
        [identify("u"), group("g", company="acme", since=1, a={"b": 2}), track("a")],
        rules="documented",
    ),
    Visit(
        "group-reserved",
        GROUPED,
        [identify("u"), group("g", **{"$group_key": 1, "$group_id": 2, "$token": 3})],
    ),
    # Lists of objects, charges, links.
    Visit(
        "object-lists",
        COUNTED,
        [
            track("a", products=[{"sku": 1, "n": 2}, {"sku": 3}, None], products_skus=["x"]),
            track("a", grid=[[1, 2], [3]], mixed=[{"a": 1}, 2], none=[], empty=[{}]),
        ],
    ),
    Visit(
        "charges",
        PEOPLE,
        [identify("u"), track("a", revenue="$5"), track("Order Completed", total=2)],
    ),
    Visit("links", {}, [track("a", link_query="#x", b=1), track("a", form_query="#y"), track("c")]),
    # Where state is kept.
    Visit("all-subdomains", {"crossSubdomainCookie": True}, [track("a"), RELOAD, track("b")]),
    Visit(
        "all-subdomains-deep",
        {"crossSubdomainCookie": True},
        [track("a"), RELOAD, track("b")],
        host="a.b.c.example.com",
    ),
    Visit("secure-cookie", {"secureCookie": True}, [track("a"), identify("u"), RELOAD, track("b")]),
    Visit("named-cookie", {"cookieName": "mine"}, [track("a"), RELOAD, identify("u")]),
    # What the page knows.
    Visit(
        "campaign",
        PEOPLE,
        [track("a"), identify("u"), RELOAD, track("b")],
        query="?utm_source=a+b&utm_medium=%C3%BC&utm_term=%zz&gclid=1&fbclid=&utm_id=9",
        referrer="https://www.google.com/search?q=kiln+glaze",
    ),
    Visit(
        "campaign-in-properties",
        {"superProperties": ["utm_source"]},
        [track("a", utm_source="mine"), track("b")],
        query="?utm_source=page",
    ),
    Visit(
        "referrer", PEOPLE, [track("a"), identify("u")], referrer="https://blog.example.org/x?y=1"
    ),
    Visit("yahoo", {}, [track("a")], referrer="https://search.yahoo.com/search?p=kiln&q=no"),
    Visit("iphone", PEOPLE, [track("a"), identify("u")], user_agent=IPHONE, screen=(390, 844)),
    Visit("firefox", PEOPLE, [track("a"), identify("u")], user_agent=FIREFOX),
    Visit("edge", PEOPLE, [track("a"), identify("u")], user_agent=EDGE),
    Visit("unknown-browser", PEOPLE, [track("a"), identify("u")], user_agent=UNKNOWN),
    # The way out.
    Visit("eu", {**GROUPED, "enableEuropeanUnionEndpoint": True}, [identify("u"), group("g", a=1)]),
    Visit(
        "base64",
        PEOPLE,
        [identify("u", text="naïve ☕ 東京"), track("a", text="ÿ?>~ & + %")],
        sdk_config={**UNBATCHED, "api_payload_format": "base64"},
    ),
    Visit(
        "batched",
        COUNTED,
        [track("a", n=1), track("", n=2), identify("u"), track("b")],
        sdk_config=BATCHED,
    ),
    Visit("batched-alias", PEOPLE, [track("a"), alias("u"), track("b")], sdk_config=BATCHED),
    Visit("batched-groups", GROUPED, [identify("u"), group("g", a=1)], sdk_config=BATCHED),
]


def at_random(count: int) -> Iterator[Visit]:
    """Sessions drawn from everything that could matter, the same ones every time."""
    for seed in range(count):
        draw = random.Random(seed)
        settings = {
            **{name: draw.random() < 0.6 for name in ("people", "setAllTraitsByDefault")},
            "persistence": draw.choice(["cookie", "localStorage"]),
            "crossSubdomainCookie": draw.random() < 0.5,
            "eventIncrements": draw.sample(["a", "b", "Loaded a Page"], 2),
            "propIncrements": draw.sample(_NAMES, 2),
            "superProperties": draw.sample(_NAMES, 3),
            "peopleProperties": draw.sample(_NAMES, 3),
            "groupIdentifierTraits": draw.sample(_NAMES, draw.randrange(3)),
            "sourceName": draw.choice(["", "site"]),
        }
        messages = [_message(draw) for _ in range(draw.randint(4, 9))]
        yield Visit(f"random-{seed}", settings, messages, draw.choice(["observed", "documented"]))


_NAMES = [
    *("plan", "n", "tags", "email", "name", "firstName", "created", "$email", "length", "id"),
    *("0", "2", "company", "when", "products", "$os", "revenue"),
]
_IDS = ["u", "v", 7, "7", "a@b.example"]


def _message(draw: random.Random) -> Any:
    values = {name: _value(draw) for name in draw.sample(_NAMES, draw.randrange(5))}
    kind = draw.choice(["track", "track", "page", "identify", "identify", "group", "alias", RELOAD])
    if kind == RELOAD:
        return RELOAD
    message: dict[str, Any] = {"type": kind}
    if kind == "track":
        message["event"] = draw.choice(["a", "B", "c d"])
    if kind == "page":
        message |= draw.choice([{}, {"name": "Home"}, {"category": "Docs", "name": "2026-01-01"}])
    if kind == "group":
        message["groupId"] = draw.choice(["g", 9])
    if kind == "alias" and draw.random() < 0.3:
        message["previousId"] = draw.choice(_IDS)
    if kind in ("identify", "alias") and draw.random() < 0.8:
        message["userId"] = draw.choice(_IDS)
    return {**message, "traits" if kind in ("identify", "group") else "properties": values}


def _value(draw: random.Random, depth: int = 0) -> Any:
    plain: list[Any] = [
        *(None, True, False, 0, -3, 2.5, "", "x", "12", "2026-01-01", "2026-01-01T10:00:00+02:00"),
        "".join(draw.choices(string.printable[:95], k=8)),
    ]
    kind = draw.random()
    if kind < 0.6 or depth > 2:
        return draw.choice(plain)
    if kind < 0.8:
        return [_value(draw, depth + 1) for _ in range(draw.randrange(4))]
    return {draw.choice(_NAMES): _value(draw, depth + 1) for _ in range(draw.randrange(3))}


def of_scenarios() -> Iterator[Visit]:
    """The messages and settings of every scenario of web mode."""
    for scenario in load_scenarios():
        if scenario.mode != "web" or scenario.expect.settings_error:
            continue
        messages: list[Any] = []
        for step in scenario.steps:
            messages += [RELOAD] if step.reload else step.messages
        if any(isinstance(message, RawLine) for message in messages):
            continue
        settings = {key: value for key, value in scenario.settings.items() if key != "token"}
        yield Visit(scenario.id, settings, messages, scenario.rules)


VISITS = [*BY_HAND, *at_random(40), *of_scenarios()]

"""The calls of one visit of a synthetic person, in the forms of Segment's libraries."""

from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from conformance.corpus.people import CITIES, FOUNDED, PLANS, SyntheticPerson
from conformance.spec.scenarios.loading import Json

PRODUCTS = (("kiln", 1200), ("clay", 12.5), ("glaze", 7.95), ("wheel", 899), ("apron", 24))


PAGES = ("Home", "Pricing", "Docs", "Signup", "Product", "Cart", "Account")


Session = Iterator[Json]
"""The calls of one visit, without message ids and times."""


def first_visit(random: Random, who: SyntheticPerson, known: deque[SyntheticPerson]) -> Session:
    """A new person views pages, and may sign up."""
    anonymous = {"anonymousId": who.anonymous_id}
    yield from _looking_around(random, who, anonymous, random.randrange(1, 6))
    if random.random() < 0.4:
        yield from _signing_up(random, who)
        known.append(who)
        both = {**anonymous, "userId": who.user_id}
        yield from _looking_around(random, who, both, random.randrange(4))


def returning_visit(random: Random, who: SyntheticPerson) -> Session:
    """A known person returns, may identify again, and may buy."""
    ids = {"userId": who.user_id}
    if who.platform != "server":
        ids["anonymousId"] = who.anonymous_id
    if random.random() < 0.4:
        yield _call("identify", random, who, ids, traits=_changed_traits(random, who))
    yield from _looking_around(random, who, ids, random.randrange(1, 8))
    if random.random() < 0.3:
        yield from _buying(random, who, ids)
    if random.random() < 0.1:
        yield _group(random, who, ids)


def _signing_up(random: Random, who: SyntheticPerson) -> Session:
    anonymous, ids = {"anonymousId": who.anonymous_id}, {"userId": who.user_id}
    alias = _call("alias", random, who, ids, previousId=who.anonymous_id)
    signed_up = _call(
        "track", random, who, {**anonymous, **ids}, event="Signed Up", properties={"plan": who.plan}
    )
    identify = _call("identify", random, who, {**anonymous, **ids}, traits=_traits(random, who))
    # Some apps make the calls in the wrong order, and some make no alias call.
    steps = [alias, identify, signed_up]
    order = random.random()
    if order < 0.15:
        steps.reverse()
    elif order < 0.4:
        steps.remove(alias)
    yield from steps
    if random.random() < 0.5:
        yield _group(random, who, ids)


def _looking_around(random: Random, who: SyntheticPerson, ids: Json, count: int) -> Session:
    for _ in range(count):
        if who.platform == "server" or random.random() < 0.5:
            yield _track(random, who, ids)
        elif who.platform == "web":
            yield _page(random, who, ids)
        else:
            fields: Json = {"name": random.choice(PAGES)}
            if random.random() < 0.4:
                fields["category"] = "App"
            yield _call("screen", random, who, ids, **fields, properties={"variation": "b"})


def _page(random: Random, who: SyntheticPerson, ids: Json) -> Json:
    page = _visited(random)
    fields: Json = {"properties": {**page, "experiment": random.choice(("a", "b"))}}
    if random.random() < 0.8:
        fields["name"] = page["title"]
    if random.random() < 0.3:
        fields["category"] = "Docs"
    return _call("page", random, who, ids, page=page, **fields)


def _visited(random: Random) -> Json:
    """The page that a browser shows, as analytics.js puts it into `context.page` of every call."""
    name = random.choice(PAGES)
    path = f"/{name.lower()}"
    search = random.choice(("", "?utm_source=mail&utm_campaign=spring"))
    return {
        "path": path,
        "referrer": random.choice(("", "https://www.google.com/", "https://news.example/item")),
        "search": search,
        "title": name,
        "url": f"https://northwind.example{path}{search}",
    }


def _track(random: Random, who: SyntheticPerson, ids: Json) -> Json:
    event, properties = random.choice(_EVENTS)(random)
    return _call("track", random, who, ids, event=event, properties=properties)


_EVENTS: tuple[Callable[[Random], tuple[str, Json]], ...] = (
    lambda random: ("Logged In", {}),
    lambda random: ("Search Performed", {"query": "glaze", "results": random.randrange(40)}),
    lambda random: ("Lesson Started", {"title": "Intro to Clay", "minutes": 12.5, "free": True}),
    lambda random: ("Video Played", {"position": random.random() * 600, "quality": "720p"}),
    lambda random: (
        "Product Viewed",
        {"sku": f"sku-{random.randrange(500)}", "price": random.choice(PRODUCTS)[1]},
    ),
    lambda random: (
        "Filter Applied",
        {"tags": ["new", random.choice(("sale", "blue"))], "range": {"min": 5, "max": 90}},
    ),
    lambda random: ("Reminder Set", {"due": "2026-07-01T09:30:00+02:00", "note": None}),
)


def _buying(random: Random, who: SyntheticPerson, ids: Json) -> Session:
    chosen = random.sample(PRODUCTS, random.randrange(1, 4))
    products = [{"name": name, "price": price, "quantity": 1} for name, price in chosen]
    total = round(sum(price for _, price in chosen), 2)
    order: Json = {"orderId": f"o-{random.randrange(10**6)}", "products": products}
    for product in products:
        yield _call("track", random, who, ids, event="Product Added", properties=product)
    # Revenue is a number, text, negative (a refund) or absent, so that only the total is there.
    revenue: Any = random.choice((total, total, f"${total:,.2f}", str(total), None, -total))
    properties = {**order, "currency": "USD", "total": total}
    if revenue is not None:
        properties["revenue"] = revenue
    event = random.choice(("Order Completed", "Order Completed", "Completed Order"))
    yield _call("track", random, who, ids, event=event, properties=properties)


def _group(random: Random, who: SyntheticPerson, ids: Json) -> Json:
    traits = {
        "company": who.company,
        "name": who.company,
        "employees": random.randrange(2, 5000),
        "industry": random.choice(("ceramics", "software")),
        "createdAt": random.choice(FOUNDED),
    }
    return _call("group", random, who, ids, groupId=who.company.lower(), traits=traits)


_CREATED = (
    *("2026-06-01T10:20:30.000Z", 1780309230, 1780309230000, "2026-06-01"),
    *("2026-06-01T12:20:30+02:00", "2026-06-01T05:20:30-0500", "1969-07-20T20:17:40.000Z"),
)
"""When an account was made: text, seconds or milliseconds, with an offset, and before 1970."""


def _traits(random: Random, who: SyntheticPerson) -> Json:
    """The traits of a sign-up form; apps spell them differently."""
    created: Any = random.choice(_CREATED)
    if random.random() < 0.5:
        named: Json = {"firstName": who.first_name, "lastName": who.last_name}
    else:
        named = {random.choice(("name", "Name")): f"{who.first_name} {who.last_name}"}
    return {
        **named,
        "email": who.email,
        random.choice(("createdAt", "created_at", "created")): created,
        "phone": f"+1 555 01{who.number % 100:02}",
        "plan": who.plan,
        "age": random.randrange(18, 90),
        "birthday": f"{random.randrange(1936, 2008)}-{random.randrange(1, 13):02}-09"
        + random.choice(("", "T00:00:00.000Z", "T00:00:00+02:00")),
        "address": {"city": random.choice(CITIES), "postalCode": f"{random.randrange(10**5):05}"},
        "interests": random.sample(("clay", "glass", "wood", "paper"), random.randrange(3)),
    }


def _changed_traits(random: Random, who: SyntheticPerson) -> Json:
    traits: tuple[Json, ...] = (
        {"plan": random.choice(PLANS)},
        {"email": who.email, "logins": random.randrange(500)},
        {"interests": ["clay"], "newsletter": None},
        {"lastSeen": "2026-06-12T08:00:00Z", "Username": f"{who.first_name.lower()}{who.number}"},
        {},
    )
    return random.choice(traits)


def _call(
    kind: str,
    random: Random,
    who: SyntheticPerson,
    ids: Json,
    *,
    page: Json | None = None,
    **fields: Any,
) -> Json:
    context = who.context
    if who.platform == "web":
        context = {**context, "page": page or _visited(random)}
    if "userId" in ids and kind == "track" and random.random() < 0.2:
        context = {**context, "traits": {"plan": who.plan, "email": who.email}}
    channel = "server" if who.platform == "server" else "client"
    return {"type": kind, "channel": channel, **ids, **fields, "context": context}

"""Synthetic people: their names, ids and devices."""

import uuid
from random import Random
from typing import Any, NamedTuple

from conformance.spec.scenarios.loading import Json

FIRST_NAMES = (
    *("Ann", "Bo", "Chloé", "Deniz", "Edith", "Femi", "Grace", "Héctor", "Ingrid", "José"),
    *("Kenji", "Lena", "Mei", "Noor", "Olga", "Pavel", "Quinn", "Rosa", "Sören", "Tadeusz"),
    *("Uma", "Viktor", "Wanjiru", "Xenia", "Yuki", "Zoë", "李娜", "Мария", "فاطمة", "Søren"),
)
LAST_NAMES = (
    *("Lovelace", "Hopper", "Nakamura", "O'Neil", "García", "van der Berg", "Müller", "Smith"),
    *("Okafor", "Šimek", "D'Angelo", "Ivanova", "Haddad", "Kowalska", "Nguyễn", "Sand-Iversen"),
)
COMPANIES = (
    "Northwind",
    "Acme",
    "Initech",
    "Umbrella",
    "Globex",
    "Hooli",
    "Vandelay",
    "Stark & Co",
)
PLANS = ("free", "pro", "team", "enterprise")
CITIES = ("Utrecht", "Lagos", "Osaka", "São Paulo", "Kraków", "Austin", "Łódź", "Reykjavík")
CAMPAIGNS = ("spring", "launch", "retargeting", "news letter", "partner/2026")

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/125.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Safari/537.36 Edg/124.0.0.0",
)
PLATFORMS = ("web", "web", "web", "web", "iOS", "android", "server")
"""A name that is listed twice is chosen twice as often."""

FOUNDED = ("2011-09-01", "1998-04-02T00:00:00Z", "1953-05-29T11:30:00+05:45", "1889-05-06")
"""When companies began: dates, some before 1970 and some with an offset."""


class SyntheticPerson(NamedTuple):
    """A person. `context` is what their device sends with every call."""

    number: int
    anonymous_id: str
    user_id: str
    first_name: str
    last_name: str
    email: str
    company: str
    plan: str
    platform: str
    context: Json


def person(random: Random, number: int) -> SyntheticPerson:
    """The person with this number."""
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    email = f"person.{number}@{random.choice(('mail', 'post', 'work'))}.example"
    platform = random.choice(PLATFORMS)
    return SyntheticPerson(
        number,
        anonymous_id=random_uuid(random),
        # User ids are database keys, numbers or e-mail addresses.
        user_id=random.choice((f"user-{number}", f"user-{number}", str(100_000 + number), email)),
        first_name=first,
        last_name=last,
        email=email,
        company=random.choice(COMPANIES),
        plan=random.choice(PLANS),
        platform=platform,
        context=_CONTEXTS[platform](random),
    )


def random_uuid(random: Random) -> str:
    """A version 4 UUID in lower case, as analytics.js and the mobile SDKs make them."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _web(random: Random) -> Json:
    context: Json = {
        "ip": f"203.0.113.{random.randrange(256)}",
        "library": {"name": "analytics.js", "version": "npm:next-1.70.0"},
        "timezone": random.choice(("America/New_York", "Europe/Amsterdam", "Asia/Tokyo")),
        "locale": random.choice(("en-US", "nl-NL", "ja-JP", "pt-BR")),
        "userAgent": random.choice(BROWSERS),
        "screen": {"width": random.choice((1280, 1440, 1920)), "height": 900, "density": 2},
    }
    if random.random() < 0.3:
        context["campaign"] = {
            "name": random.choice(CAMPAIGNS),
            "source": random.choice(("google", "mail", "partner")),
            "medium": random.choice(("cpc", "email")),
        }
    return context


def _ios(random: Random) -> Json:
    return {
        "app": {"name": "Northwind", "version": "5.2.0", "build": random.choice(("812", "813"))},
        "device": {
            "id": f"{random.getrandbits(48):012x}",
            "manufacturer": "Apple",
            "model": random.choice(("iPhone15,2", "iPhone14,7", "iPad13,1")),
            "type": random.choice(("iOS", "iOS", "ios")),
            "token": f"{random.getrandbits(64):016x}",
        },
        "ip": f"198.51.100.{random.randrange(256)}",
        "library": {"name": "analytics-ios", "version": "4.1.8"},
        "network": {"carrier": "T-Mobile", "wifi": random.random() < 0.5, "cellular": True},
        "os": {"name": "iOS", "version": random.choice(("17.5", "16.7.2"))},
        "screen": {"width": 390, "height": 844},
    }


def _android(random: Random) -> Json:
    return {
        "app": {"name": "Northwind", "version": "5.2.1", "build": "5210"},
        "device": {
            "id": f"{random.getrandbits(48):012x}",
            "manufacturer": random.choice(("Google", "Samsung")),
            "model": random.choice(("Pixel 8", "SM-G991B")),
            "type": "android",
            "token": f"{random.getrandbits(64):016x}",
        },
        "ip": f"192.0.2.{random.randrange(256)}",
        "library": {"name": "analytics-android", "version": "4.11.3"},
        "network": {"bluetooth": False, "carrier": "Orange", "cellular": True, "wifi": False},
        "os": {"name": "Android", "version": random.choice(("14", "13"))},
        "screen": {"width": 1080, "height": 2400, "density": 2.75},
    }


def _server(random: Random) -> Json:
    name = random.choice(("@segment/analytics-node", "analytics-python", "analytics-ruby"))
    context: Json = {"library": {"name": name, "version": "2.2.0"}}
    if random.random() < 0.3:
        context["active"] = False
    return context


_CONTEXTS: dict[str, Any] = {"web": _web, "iOS": _ios, "android": _android, "server": _server}

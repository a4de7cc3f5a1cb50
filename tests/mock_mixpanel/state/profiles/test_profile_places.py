"""Where people are: the stand-in for Mixpanel's lookup of addresses and coordinates."""

from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import event, group_update, send, update

EXAMPLETON = {
    "$city": "Exampleton",
    "$region": "Exampleshire",
    "$country_code": "XA",
    "$timezone": "Etc/UTC",
    "$geo_source": "ip",
}
HERE, THERE = "192.0.2.9", "203.0.113.7"
FROM_HERE = {"X-Forwarded-For": f"{HERE}, 10.0.0.1"}


@pytest.fixture
def located(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A project that looks up places."""
    mock_mixpanel.project(geo=True)
    return mock_mixpanel


def cities(mock: MockMixpanel) -> list[str | None]:
    return [properties.get("$city") for properties in mock.profiles().values()]


def test_all_properties(located: MockMixpanel) -> None:
    """An update from a known address fills five properties of the profile."""
    send(located, "/engage", update(located, set={"a": 1}), headers=FROM_HERE)
    assert located.profiles() == {"u-1": {"a": 1} | EXAMPLETON}


def test_off_by_default(mock_mixpanel: MockMixpanel) -> None:
    """Without the option nothing is made up."""
    record = update(mock_mixpanel, set={"a": 1}, latitude=1, longitude=2)
    send(mock_mixpanel, "/engage", record, headers=FROM_HERE)
    assert mock_mixpanel.profiles() == {"u-1": {"a": 1}}


PEOPLE: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "the sender": ("", {}, "Exampleton"),
    "the sender, ip=1": ("?ip=1", {}, "Exampleton"),
    "nobody, ip=0": ("?ip=0", {}, None),
    "$ip": ("", {"ip": THERE}, "Sampleville"),
    "$ip in spite of ip=0": ("?ip=0", {"ip": THERE}, "Sampleville"),
    "$ip of IPv6": ("", {"ip": "2001:db8::5"}, "Docksbury"),
    "$ip unknown": ("", {"ip": "10.1.2.3"}, None),
    "$ip zero": ("", {"ip": 0}, None),
    "$ip zero as text": ("", {"ip": "0"}, None),
    "$ip nonsense": ("", {"ip": "x/y"}, None),
    "$ip null": ("", {"ip": None}, None),
    "north": ("", {"latitude": 48.2, "longitude": 16.4, "ip": THERE}, "Northwick"),
    "south": ("", {"latitude": -33.9, "longitude": 18.4}, "Southwick"),
    "half a coordinate": ("", {"latitude": 48.2}, "Exampleton"),
    "a coordinate in words": ("", {"latitude": "48", "longitude": "16"}, "Exampleton"),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_people(located: MockMixpanel, name: str) -> None:
    """Coordinates count before `$ip`, `$ip` before the sender; 0 means no look-up."""
    query, more, city = PEOPLE[name]
    record = update(located, set={"a": 1}, **more)
    send(located, f"/engage{query}", record, headers=FROM_HERE)
    assert cities(located) == [city]


@pytest.mark.parametrize(
    ("headers", "city"),
    [
        ({"X-Real-IP": HERE}, "Exampleton"),
        ({"x-real-ip": HERE}, "Exampleton"),
        ({"X-Real-IP": HERE, "X-Forwarded-For": f"{THERE}, 10.0.0.1"}, "Sampleville"),
    ],
)
def test_address_behind_a_proxy(located: MockMixpanel, headers: dict[str, str], city: str) -> None:
    """A proxy names the visitor in X-Forwarded-For or X-Real-IP; the former wins (choice).

    Source: https://github.com/mixpanel/tracking-proxy/pull/18
    """
    send(located, "/engage", update(located, set={"a": 1}), headers=headers)
    assert cities(located) == [city]


def test_source_of_coordinates(located: MockMixpanel) -> None:
    """What coordinates say is marked so."""
    send(located, "/engage", update(located, set={"a": 1}, latitude=1, longitude=2))
    assert located.profiles()["u-1"]["$geo_source"] == "reverse_geocoding"


@pytest.mark.parametrize("operation", [{"set_once": {"a": 1}}, {"set": {}}])
def test_set_looks(located: MockMixpanel, operation: dict[str, Any]) -> None:
    """`$set` and `$set_once` fill the place."""
    send(located, "/engage", update(located, set={"b": 1}, ip=0))
    send(located, "/engage", update(located, **operation), headers=FROM_HERE)
    assert cities(located) == ["Exampleton"]


@pytest.mark.parametrize("operation", [{"add": {"n": 1}}, {"append": {"l": 1}}, {"unset": ["b"]}])
def test_others_do_not(located: MockMixpanel, operation: dict[str, Any]) -> None:
    """Other operations do not."""
    send(located, "/engage", update(located, set={"a": 1, "b": 2}, ip=0))
    send(located, "/engage", update(located, **operation), headers=FROM_HERE)
    assert cities(located) == [None]


def test_refused_update_moves_nobody(located: MockMixpanel) -> None:
    """An update that does not fit leaves the place alone."""
    send(located, "/engage", update(located, set={"t": "x"}, ip=0))
    record = update(located, set={"a": 1}, add={"t": 1})
    send(located, "/engage", record, headers=FROM_HERE)
    assert located.profiles() == {"u-1": {"t": "x"}}


def test_groups_are_nowhere(located: MockMixpanel) -> None:
    """A group has no place."""
    send(located, "/groups?ip=1", group_update(located, set={"a": 1}), headers=FROM_HERE)
    assert located.groups() == {"company": {"acme": {"a": 1}}}


EVENTS: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "nobody": ("", {}, None),
    "the sender, ip=1": ("?ip=1", {"ip": THERE}, "Exampleton"),
    "ip": ("", {"ip": THERE}, "Sampleville"),
    "ip, ip=0": ("?ip=0", {"ip": THERE}, "Sampleville"),
    "ip zero": ("", {"ip": 0}, None),
    "coordinates": ("?ip=1", {"$latitude": -1, "$longitude": 1}, "Southwick"),
}


@pytest.mark.parametrize("path", ["/track", "/import"])
@pytest.mark.parametrize("name", EVENTS)
def test_events(located: MockMixpanel, path: str, name: str) -> None:
    """An event looks up its property `ip`, or its sender with `ip=1`."""
    query, more, city = EVENTS[name]
    send(located, path + query, event(located, **more), headers=FROM_HERE)
    assert [item["properties"].get("$city") for item in located.events()] == [city]


def test_properties_of_events(located: MockMixpanel) -> None:
    """An event gets city, region and country."""
    send(located, "/track?ip=1", event(located), headers=FROM_HERE)
    assert located.events()[0]["properties"] == {
        "distinct_id": "u-1",
        "$city": "Exampleton",
        "$region": "Exampleshire",
        "mp_country_code": "XA",
    }

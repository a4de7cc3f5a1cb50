"""Places of addresses and coordinates: a substitute for Mixpanel's lookup, without a network.

When Mixpanel looks, and which properties it fills, is documented
(docs/facts/mixpanel-http-api.md#query-parameters, docs/facts/mixpanel-http-api.md#event-fields,
docs/facts/mixpanel-http-api.md#profile-modifiers,
docs/facts/mixpanel-http-api.md#reserved-profile-properties). The city that Mixpanel finds is
unknown, so the cities are invented: one for each range of addresses that is reserved for
documentation (RFC 5737, RFC 3849), and one for each hemisphere. Any other address has no place. The
project option `geo` turns it on.
"""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from mock_mixpanel.json_values import flag


class Place(NamedTuple):
    """An invented city in a country with an unassigned code."""

    city: str
    region: str
    country_code: str
    timezone: str
    source: str


PLACES = {
    "192.0.2.0/24": Place("Exampleton", "Exampleshire", "XA", "Etc/UTC", "ip"),
    "198.51.100.0/24": Place("Testford", "Testmark", "XB", "Etc/GMT-1", "ip"),
    "203.0.113.0/24": Place("Sampleville", "Sampleland", "XC", "Etc/GMT+5", "ip"),
    "2001:db8::/32": Place("Docksbury", "Dockshire", "XD", "Etc/GMT-5", "ip"),
    "north": Place("Northwick", "Northmark", "XN", "Etc/UTC", "reverse_geocoding"),
    "south": Place("Southwick", "Southmark", "XS", "Etc/UTC", "reverse_geocoding"),
}
"""By range of addresses or hemisphere. `source` "ip" is a choice; the other one is documented."""

_NETWORKS = {ip_network(name): name for name in PLACES if "/" in name}


def place_of(endpoint: str, record: Mapping[str, Any], ip: str | None, sender: str) -> str:
    """The name of the place of a record, or "" if it has no place or Mixpanel would not look it up.

    `ip` is the control parameter, `sender` the address of the connection. Events: coordinates, else
    the sender if `ip=1`, else the property `ip`. Profiles, only with `$set` or `$set_once`:
    coordinates, else `$ip`, else the sender unless `ip=0`. Groups have no place.
    """
    if endpoint in ("/track", "/import"):
        sent = record["properties"]
        address = sender if flag(ip) else sent.get("ip")
    elif endpoint == "/engage" and ("$set" in record or "$set_once" in record):
        sent = record
        address = sent["$ip"] if "$ip" in sent else sender if ip is None or flag(ip) else ""
    else:
        return ""
    latitude, longitude = sent.get("$latitude"), sent.get("$longitude")
    if _number(latitude) and _number(longitude):
        return "north" if latitude >= 0 else "south"
    return _network(address)


def event_location(place: str) -> dict[str, str]:
    """The properties an event gets at a place."""
    found = PLACES.get(place)
    if found is None:
        return {}
    return {
        "$city": found.city,
        "$region": found.region,
        "mp_country_code": found.country_code,
    }


def profile_location(place: str) -> dict[str, str]:
    """The properties a profile gets at a place."""
    found = PLACES.get(place)
    if found is None:
        return {}
    return {
        "$city": found.city,
        "$region": found.region,
        "$country_code": found.country_code,
        "$timezone": found.timezone,
        "$geo_source": found.source,
    }


def _network(address: Any) -> str:
    try:
        parsed = ip_address(address) if isinstance(address, str) else None
    except ValueError:
        parsed = None
    return next((name for network, name in _NETWORKS.items() if parsed and parsed in network), "")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

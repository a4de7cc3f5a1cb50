"""Which residency a request belongs to (facts/mixpanel-http-api 0).

Each port has a region. A Host header that names one of Mixpanel's regional hosts decides on the
port of the default region; on any other port, the port decides.
"""

DEFAULT = "us"

BY_HOST = {
    "api-eu.mixpanel.com": "eu",
    "data-eu.mixpanel.com": "eu",
    "eu.mixpanel.com": "eu",
    "api-in.mixpanel.com": "in",
    "data-in.mixpanel.com": "in",
    "in.mixpanel.com": "in",
}


def region_of(port_region: str, host: str) -> str:
    """The region, from the port's and from the Host header."""
    if port_region != DEFAULT:
        return port_region
    return BY_HOST.get(host.partition(":")[0].lower(), DEFAULT)

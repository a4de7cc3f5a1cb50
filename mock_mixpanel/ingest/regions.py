"""The data residency of a request, and leaks to another region
(docs/facts/mixpanel-http-api.md#hosts-routes-and-authentication,
docs/facts/mixpanel-http-api.md#wrong-region).

Each port has a region. A Host header that names one of Mixpanel's regional hosts decides on the
port of the default region; on any other port, the port decides.

A project that has a region takes no data in another. The token routes answer success all the same
(choice; the answer is unknown), so a leak is seen in `/_mock/leaks` alone.
"""

import re
from collections.abc import Iterable

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
    """The region of a request, by the region of its port and its Host header."""
    if port_region != DEFAULT:
        return port_region
    return BY_HOST.get(host.partition(":")[0].lower(), DEFAULT)


def misplaced(home: str, here: str) -> str:
    """The reason against a record that was sent to another region than that of its project."""
    return f"region: the project lives in {home}, this is {here}"


def home_in(reasons: Iterable[str]) -> str | None:
    """The region of the project, if a record was refused because it was sent to another region."""
    found = (re.match(r"region: the project lives in (\w+), this is", each) for each in reasons)
    return next((match[1] for match in found if match), None)

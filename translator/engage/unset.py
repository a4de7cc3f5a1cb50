"""Removes the property of a deleted audience or trait from Mixpanel.

doc#what-happens-if-i-delete-an-audience-or-trait-in-segment: deleting it in Segment deletes nothing
in Mixpanel, so an `$unset` update is needed.
"""

from collections.abc import Iterable
from typing import Any

from translator.core.operations import Operation
from translator.core.residency import host
from translator.core.settings import Settings


def unset_operations(key: str, ids: Iterable[Any], settings: Settings) -> list[Operation]:
    """One update for each id (a `distinct_id`) that removes the property `key` from its profile.

    The update is not an activity of the person: "Last Seen" and place do not change.
    """
    where = host(european_union=settings.enableEuropeanUnionEndpoint)
    return [
        Operation(
            "/engage",
            where,
            {
                "$token": settings.token,
                "$distinct_id": distinct_id,
                "$ip": 0,
                "$ignore_time": True,
                "$unset": [key],
            },
        )
        for distinct_id in dict.fromkeys(ids)
    ]

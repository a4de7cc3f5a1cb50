"""The documented limits of Mixpanel.

Where the documentation leaves room, a limit is the more generous reading: a mock that is stricter
than Mixpanel would report losses that do not happen.
"""

from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Self


@dataclass(frozen=True)
class MixpanelLimits:
    """Documented limits (docs/facts/mixpanel-http-api.md#event-limits,
    docs/facts/mixpanel-http-api.md#strict-validation,
    docs/facts/mixpanel-http-api.md#profile-requests).

    Sizes are bytes, ages are seconds, the others are counts. A value equal to a limit is allowed.
    """

    records: int = 2000
    body_bytes: int = 10 * 1024 * 1024
    """Before and after decompression; "10 MB" is documented, and the larger reading is used."""
    record_bytes: int = 1024 * 1024
    properties: int = 255
    keys: int = 255
    elements: int = 255
    depth: int = 3
    """Objects inside each other below a property; lists are not counted (choice)."""
    string_characters: int = 255
    insert_id_bytes: int = 36
    track_age: int = 5 * 24 * 3600
    import_future: int = 3600
    import_earliest: int = 365 * 24 * 3600
    """Seconds since 1970: 1971-01-01."""
    property_bytes: int = 8 * 1024
    """Of a list or object in an event. A larger one is stored with a note (choice)."""
    profile_properties: int = 2000
    profile_property_bytes: int = 256 * 1024
    """Of a list or object in a profile; an update that would exceed it is refused."""
    hot_shard: int = 200_000
    """Events of one distinct id on one day; the later ones are stored as `$hotshard_events`."""
    hot_shard_group: int = 1_000_000
    """The same for one group, under one of the project's `group_keys`."""
    compaction: int | None = None
    """Seconds after which duplicates of one day become one row, in exports too, even if their times
    differ; None: never. Mixpanel needs hours, and does not promise it
    (docs/facts/mixpanel-http-api.md#deduplication)."""
    cluster_ids: int = 500
    """Ids of one person under Original ID Merge."""
    alias_queue: int | None = None
    """Pending aliases from which on the alias queue is backed up: other records then wait for them
    too. None means no limit; the length of the real queue is unknown."""
    rate_records: int | None = None
    """Records a project may send in any `rate_seconds`; None is without a limit. Mixpanel says
    30,000 a second (docs/facts/mixpanel-http-api.md#event-limits). Off by default, since a test is
    faster than any client (choice)."""
    rate_bytes: int | None = None
    """Like `rate_records`, for uncompressed bytes; Mixpanel says 2 GB a minute."""
    rate_seconds: int = 60
    hourly_queries: int | None = None
    """Engage queries that are answered in any hour; Mixpanel says 60
    (docs/facts/mixpanel-http-api.md#engage-query). Off by default (choice)."""
    hourly_exports: int | None = None
    """Like `hourly_queries`, for raw exports; Mixpanel says 60
    (docs/facts/mixpanel-http-api.md#raw-export)."""
    exports_a_second: int | None = None
    """Like `hourly_exports`, in any second; Mixpanel says 3."""
    json_depth: int = 50
    """Protects the mock; Mixpanel has no such limit. Deeper JSON is refused. It is an option of the
    server, not of a project."""

    @property
    def rated(self) -> bool:
        """Whether there is a rate limit."""
        return self.rate_records is not None or self.rate_bytes is not None

    @cache  # noqa: B019, for few and lasting objects
    def changed(self, own: tuple[tuple[str, int | None], ...]) -> Self:
        """A copy with some limits changed."""
        return replace(self, **dict(own))  # type: ignore[arg-type]


CAN_BE_OFF = (
    "alias_queue",
    "compaction",
    "rate_records",
    "rate_bytes",
    "hourly_queries",
    "hourly_exports",
    "exports_a_second",
)
LIMITS_OF_PROJECTS = tuple(one.name for one in fields(MixpanelLimits) if one.name != "json_depth")

"""Reserved properties of an event, which no trait and no mapping can set."""

RESERVED = frozenset(
    [
        *("token", "distinct_id", "time", "ip", "mp_lib", "mp_name_tag", "segment_source_name"),
        *("$insert_id", "$distinct_id", "$user_id", "$device_id", "$identified_id", "$anon_id"),
        *("$anon_distinct_id", "$distinct_ids"),
    ]
)
"""Properties that decide whose event it is, its time, and how Mixpanel stores it."""

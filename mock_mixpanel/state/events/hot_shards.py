"""Hot shards: people and groups with too many events on one day
(docs/facts/mixpanel-http-api.md#dropped-or-altered-events)."""

from collections.abc import Mapping, Sequence
from typing import Any

from mock_mixpanel.json_values import identifier
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.state.events.event import Event


class HotShards:
    """The number of events of each distinct id and each group on each day."""

    def __init__(self, limits: MixpanelLimits, group_keys: Sequence[str]) -> None:
        self._limits, self._group_keys = limits, group_keys
        self._by_day: dict[tuple[str, str, int], int] = {}

    def count(self, event: Event, properties: Mapping[str, Any]) -> str | None:
        """Count an event; gives the property with too many events on its day, or None.

        The property is `distinct_id` or a group key.
        """
        hot = None
        most, most_of_group = self._limits.hot_shard, self._limits.hot_shard_group
        if event.stored and self._next("distinct_id", event.stored, event) > most:
            hot = "distinct_id"
        for key in self._group_keys:
            groups = properties.get(key)
            for group in groups if isinstance(groups, list) else [groups]:
                who = identifier(group)
                if who and self._next(key, who, event) > most_of_group:
                    hot = hot or key
        return hot

    def _next(self, name: str, who: str, event: Event) -> int:
        shard = (name, who, event.day)
        count = self._by_day[shard] = self._by_day.get(shard, 0) + 1
        return count

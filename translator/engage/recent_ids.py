"""The most recent messageIds, to recognise repeated messages."""

from collections import OrderedDict
from itertools import islice


class RecentIds:
    """The last `remember` messageIds. `total` counts all messageIds so far."""

    def __init__(self, remember: int) -> None:
        self.remember = remember
        self.total = 0
        # A plain dict would be slow: to find its first key it passes over all deleted ones.
        self._ids: OrderedDict[str | float, None] = OrderedDict()

    def is_repeated(self, message_id: str | float) -> bool:
        """Whether an id is among the last ones; if not, it is the last one now."""
        if message_id in self._ids:
            return True
        self._ids[message_id] = None
        self.total += 1
        if len(self._ids) > self.remember:
            self._ids.popitem(last=False)
        return False

    def since(self, total: int) -> list[str | float]:
        """The ids that came after the first `total` and are still kept, the oldest first."""
        count = min(self.total - total, len(self._ids))
        return list(islice(reversed(self._ids), count))[::-1]

    def restore(self, ids: list[str | float], total: int) -> None:
        """Continue from the latest ids, the oldest first; `total` counts all ids so far."""
        self._ids = OrderedDict.fromkeys(ids[-self.remember :])
        self.total = total

"""A source of operations that a ledger already holds."""

from collections.abc import Sequence

from translator.sender.books.ledger import Ledger
from translator.sender.dispatch.request_results import Settled
from translator.sender.queue.queued_operation import QueuedOperation


class ReadyOperations:
    """Operations that are all there already, as a source of the sender."""

    def __init__(self, operations: Sequence[QueuedOperation], ledger: Ledger) -> None:
        self._operations: Sequence[QueuedOperation] | None = operations
        self._ledger = ledger

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        """All of them, once."""
        taken, self._operations = self._operations, None
        return taken or None

    def sending(self, operations: Sequence[QueuedOperation]) -> None:
        """See `Ledger`."""
        self._ledger.sending(operations)

    def settled(self, settled: Sequence[Settled]) -> None:
        """See `Ledger`."""
        self._ledger.settled(settled)

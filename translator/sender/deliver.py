"""Operations in, verdicts out, in the same order.

What it promises: the order at the wire is the order of the operations, and every operation gets
exactly one verdict. What it cannot promise: when a connection breaks after a request went out,
nobody knows whether Mixpanel has it. It is sent again then, since a loss in silence is worse; an
event is still stored once, thanks to its insert id, while an `$add` or `$append` may count twice.
"""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from translator.operations import Operation
from translator.sender.answers import Meaning, Outcome, classify
from translator.sender.batching import Batch, Item, Limits, batches, encode
from translator.sender.live import destination
from translator.sender.records import Fate, Verdict
from translator.sender.redaction import Redactor
from translator.sender.retry import RetryPolicy
from translator.sender.transport import HttpTransport, NetworkError, Transport


class Sender:
    """Delivers operations to Mixpanel, or to a mock of it.

    `base_urls` says where operations for a host go instead, for example
    `{"https://api.mixpanel.com": "http://127.0.0.1:8080"}`. An address that is not this machine is
    refused unless `live` is true. Close it after use, or use it as a context manager.
    """

    def __init__(
        self,
        base_urls: Mapping[str, str] | None = None,
        api_secret: str | None = None,
        *,
        live: bool = False,
        limits: Limits | None = None,
        retry: RetryPolicy | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._base_urls = dict(base_urls or {})
        self._live = live
        self._limits = limits or Limits()
        self._retry = retry or RetryPolicy()
        self._has_secret = api_secret is not None
        self._redact = Redactor([api_secret] if api_secret else [])
        self._transport: Transport = transport or HttpTransport(api_secret)

    def base_url(self, host: str) -> str:
        """Where operations for `host` go. Raises DestinationError if they may go nowhere."""
        return destination(host, self._base_urls, live=self._live)

    def send(self, operations: Iterable[Operation]) -> list[Verdict]:
        """Deliver operations in order, and say what became of each.

        It holds all of them in memory: give a long stream in pieces.

        Raises DestinationError, before anything is sent, if one of them may go nowhere.
        """
        operations = list(operations)
        for host in {operation.host for operation in operations}:
            self.base_url(host)
        verdicts: dict[int, Verdict] = {}
        items = []
        for position, operation in enumerate(operations):
            try:
                items.append(Item(position, operation, self._encode(operation)))
            except _Undeliverable as error:
                verdicts[position] = Verdict(operation, Fate.DEAD_LETTERED, str(error))
        for batch in batches(items, self._limits):
            verdicts.update(self._settle(batch))
        return [verdicts[position] for position in range(len(operations))]

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _encode(self, operation: Operation) -> bytes:
        if operation.endpoint == "/import" and not self._has_secret:
            raise _Undeliverable("/import needs the project's API secret: set apiSecret")
        try:
            return encode(operation.payload)
        except (ValueError, RecursionError) as error:
            raise _Undeliverable(f"the payload cannot be written as JSON: {error}") from error

    def _settle(self, batch: Batch) -> dict[int, Verdict]:
        """The verdicts of a batch by position, after as many requests as it takes."""
        outcome = self._retry.run(lambda: self._attempt(batch))
        size = len(batch.items)
        match outcome.meaning:
            case Meaning.DELIVERED if outcome.imported in (None, size):
                return self._verdicts(batch, Fate.DELIVERED)
            case Meaning.DELIVERED:
                reason = f"Mixpanel says that it stored {outcome.imported} of {size} records"
                return self._divide(batch, Fate.REJECTED, reason)
            case Meaning.PARTIAL:
                return self._settle_partly(batch, outcome)
            case Meaning.INVALID:
                return self._divide(batch, Fate.REJECTED, outcome.reason)
            case Meaning.TOO_LARGE:
                return self._divide(batch, Fate.DEAD_LETTERED, outcome.reason)
            case Meaning.REFUSED:
                return self._verdicts(batch, Fate.REJECTED, outcome.reason)
            case Meaning.RETRY:
                reason = f"given up after the last try: {outcome.reason}"
                return self._verdicts(batch, Fate.DEAD_LETTERED, reason)

    def _attempt(self, batch: Batch) -> Outcome:
        try:
            answer = self._transport.post(self.base_url(batch.host), batch.endpoint, batch.body())
        except NetworkError as error:
            return Outcome(Meaning.RETRY, str(error))
        return classify(answer.status, answer.headers, answer.body)

    def _divide(self, batch: Batch, fate: Fate, reason: str | None) -> dict[int, Verdict]:
        """Send the halves of a batch one after the other, so that only a bad record is lost."""
        if len(batch.items) == 1:
            return self._verdicts(batch, fate, reason)
        first, second = batch.halves()
        return self._settle(first) | self._settle(second)

    def _settle_partly(self, batch: Batch, outcome: Outcome) -> dict[int, Verdict]:
        """Reject the records that the answer names; trust the rest only if the answer adds up."""
        failed = _failures_by_index(batch, outcome)
        stored = len(batch.items) - len(failed or ())
        if failed is None or outcome.imported not in (None, stored):
            return self._divide(batch, Fate.REJECTED, outcome.reason)
        verdicts = self._verdicts(batch, Fate.DELIVERED)
        for index, reason in failed.items():
            item = batch.items[index]
            verdicts[item.position] = self._verdict(item, Fate.REJECTED, reason)
        return verdicts

    def _verdicts(self, batch: Batch, fate: Fate, reason: str | None = None) -> dict[int, Verdict]:
        return {item.position: self._verdict(item, fate, reason) for item in batch.items}

    def _verdict(self, item: Item, fate: Fate, reason: str | None = None) -> Verdict:
        return Verdict(item.operation, fate, self._redact(reason) if reason else None)


class _Undeliverable(Exception):
    """An operation that cannot become a request."""


def _failures_by_index(batch: Batch, outcome: Outcome) -> dict[int, str] | None:
    """The reason for each record that failed, by its place in the batch.

    `index` decides; without one, the insert id does if only one record has it. `None` if an entry
    can be matched by neither.
    """
    places: dict[str, list[int]] = {}
    for place, item in enumerate(batch.items):
        insert_id = item.operation.payload.get("properties", {}).get("$insert_id")
        places.setdefault(str(insert_id), []).append(place)
    failures: dict[int, str] = {}
    for failed in outcome.failed:
        index = failed.place
        if index is None and failed.insert_id is not None:
            candidates = places.get(failed.insert_id, [])
            index = candidates[0] if len(candidates) == 1 else None
        if index is None or not 0 <= index < len(batch.items):
            return None
        reason = f"{failures[index]}; {failed.reason}" if index in failures else failed.reason
        failures[index] = reason
    return failures

"""The `send` command: lines in, deliveries out, and an account of every message.

Messages are taken in windows. A window is translated and delivered before the next one is read, so
memory stays bounded however long the input is, and nothing is held back at its end.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TextIO

from translator.operations import Json, Result
from translator.sender.batching import encode
from translator.sender.deliver import Sender
from translator.sender.live import DestinationError
from translator.sender.records import Fate, Verdict

WINDOW_MESSAGES = 1000
"""How many messages are in memory at a time."""

EXIT_DELIVERED, EXIT_LOST, EXIT_USAGE = 0, 1, 2


def run_send(
    lines: Iterable[bytes],
    translate_line: Callable[[bytes], Result],
    sender: Sender,
    host: str,
    *,
    out: TextIO,
    err: TextIO,
    progress: bool = False,
    window: int = WINDOW_MESSAGES,
) -> int:
    """Translate and deliver messages, one a line; give the exit code.

    `host` is where the settings lead, such as `https://api.mixpanel.com`. `out` gets the summary as
    one JSON object, `err` one JSON object for each loss, and a running count if `progress`.

    The exit code is 0 if nothing was lost, 1 if something was, and 2, with nothing read or sent, if
    operations for `host` may go nowhere.
    """
    try:
        sender.base_url(host)
    except DestinationError as error:
        print(f"Error: {error}", file=err)
        return EXIT_USAGE
    counts: Counter[Fate] = Counter()
    remaining = iter(lines)
    while results := [translate_line(line) for line in islice(remaining, window)]:
        first_line = counts.total() + 1
        for number, (result, verdicts) in enumerate(_deliver(results, sender), start=first_line):
            fate = message_fate(result, verdicts)
            counts[fate] += 1
            for loss in losses(result, verdicts):
                _print_json({"line": number, "messageId": result.message_id, **loss}, err)
        if progress:
            print(f"\r{_progress(counts)}", end="", file=err, flush=True)
    if progress:
        print(file=err)
    _print_json(summary(counts), out)
    return EXIT_LOST if counts[Fate.REJECTED] or counts[Fate.DEAD_LETTERED] else EXIT_DELIVERED


def message_fate(result: Result, verdicts: Sequence[Verdict]) -> Fate:
    """The one bucket that a message counts in: the worst that happened to it."""
    fates = {verdict.fate for verdict in verdicts}
    if result.error is not None or Fate.REJECTED in fates:
        return Fate.REJECTED
    if Fate.DEAD_LETTERED in fates:
        return Fate.DEAD_LETTERED
    return Fate.DELIVERED if verdicts else Fate.SKIPPED


def losses(result: Result, verdicts: Sequence[Verdict]) -> list[Json]:
    """What a person must know about the parts of a message that are not in Mixpanel."""
    if result.error is not None:
        code, message = result.error
        return [{"fate": Fate.REJECTED, "code": code, "reason": message}]
    return [
        {"fate": verdict.fate, "endpoint": verdict.operation.endpoint, "reason": verdict.reason}
        for verdict in verdicts
        if verdict.fate is not Fate.DELIVERED
    ]


def summary(counts: Counter[Fate]) -> Json:
    """The number of messages in each bucket; `read` is the sum of the others."""
    fates = (Fate.DELIVERED, Fate.SKIPPED, Fate.REJECTED, Fate.DEAD_LETTERED)
    return {"read": counts.total(), **{fate.value: counts[fate] for fate in fates}}


def _deliver(results: Sequence[Result], sender: Sender) -> Iterable[tuple[Result, list[Verdict]]]:
    verdicts = iter(sender.send([step for result in results for step in result.operations]))
    return [(result, list(islice(verdicts, len(result.operations)))) for result in results]


def _progress(counts: Counter[Fate]) -> str:
    return ", ".join(f"{name} {count}" for name, count in summary(counts).items())


def _print_json(value: Json, stream: TextIO) -> None:
    print(encode(value).decode(), file=stream)

"""The health of the gateway, and its problems."""

from collections.abc import Iterator, Sequence

from translator.core.operations import Json
from translator.core.values.timestamps import iso_milliseconds
from translator.gateway.sources.pipeline import Pipeline


def health(pipelines: Sequence[Pipeline]) -> tuple[int, Json]:
    """The HTTP status and body of `/healthz`: 200 if every source stores and delivers, else 503.

    `problems` has the problem of each source that does not store or deliver. While only the target
    fails, calls are still accepted and wait. `paused` names the hosts to which nothing is sent now:
    they asked to wait, or failed. A pause alone is no problem.
    """
    problems: list[Json] = []
    for each in pipelines:
        for code, reason in _problems(each):
            problem: Json = {"code": code, "reason": reason}
            problems.append({"source": each.name, **problem} if each.name else problem)
    body: Json = {
        "status": "; ".join(each["reason"] for each in problems) or "ok",
        "accepting": all(each.intake.accepts() for each in pipelines),
        "waiting": sum(each.delivery.waiting for each in pipelines),
        "oldest_waiting_seconds": round(
            max((each.delivery.oldest_waiting() for each in pipelines), default=0.0), 3
        ),
        "paused": [paused for each in pipelines for paused in _paused(each)],
        "problems": problems,
    }
    return (503 if problems else 200), body


def _paused(pipeline: Pipeline) -> Iterator[Json]:
    now = pipeline.sender.moment()
    for host, (seconds, reason) in pipeline.sender.paused_hosts().items():
        source: Json = {"source": pipeline.name} if pipeline.name else {}
        until = iso_milliseconds(int((now + seconds) * 1000))
        yield {**source, "host": host, "until": until, "reason": f"{reason:.200}"}


def _problems(pipeline: Pipeline) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    intake = pipeline.intake
    not_stored = intake.store_problem or pipeline.delivery.settle_problem
    if not_stored:
        found.append(("not_stored", not_stored))
    elif not intake.room():
        found.append(("full", "too much is waiting; calls are answered 503 until there is room"))
    if pipeline.ledger.storage_problem:
        found.append(("dead_letters_not_written", pipeline.ledger.storage_problem))
    if not pipeline.delivers():
        found.append(("stopped", pipeline.failure or "the sender has stopped; see the log"))
    for host, reason in pipeline.sender.failing_hosts().items():
        found.append(("target_failing", f"{host} does not answer as it should: {reason:.200}"))
    refusal = pipeline.observer.refusal()
    if refusal is not None:
        found.append(("target_refuses", f"the target refuses everything: {refusal:.200}"))
    return found

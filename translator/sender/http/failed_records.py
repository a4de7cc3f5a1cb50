"""The records of a request that its response names as bad."""

from translator.sender.dispatch.batching import Batch
from translator.sender.http.responses import InterpretedResponse


def failures_by_place(batch: Batch, outcome: InterpretedResponse) -> dict[int, str] | None:
    """The reason for each record that failed, by its place in the batch.

    A record is found by `index`, or without one by its insert id if only one record has it. `None`
    if an entry matches neither, or if the counts of the response disagree: then it proves nothing
    about the other records.
    """
    places: dict[str, list[int]] = {}
    for place, queued in enumerate(batch.operations):
        properties = queued.operation.payload.get("properties")
        insert_id = properties.get("$insert_id") if isinstance(properties, dict) else None
        places.setdefault(str(insert_id), []).append(place)
    failures: dict[int, str] = {}
    for failed in outcome.failed:
        index = failed.place
        if index is None and failed.insert_id is not None:
            candidates = places.get(failed.insert_id, [])
            index = candidates[0] if len(candidates) == 1 else None
        if index is None or not 0 <= index < len(batch.operations):
            return None
        reason = f"{failures[index]}; {failed.reason}" if index in failures else failed.reason
        failures[index] = reason
    stored = len(batch.operations) - len(failures)
    return failures if outcome.imported in (None, stored) else None

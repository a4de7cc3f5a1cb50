"""A request that is prepared by an earlier one has the same reply and the same row in the log."""

import json
from collections.abc import Callable
from itertools import permutations
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_mixpanel.backend import Backend
from mock_mixpanel.ingest import prepared
from mock_mixpanel.ingest.endpoints import ingest
from mock_mixpanel.ingest.http_request import Envelope, Incoming
from mock_mixpanel.ingest.replies import Reply
from mock_mixpanel.ingest.verdicts.record_checker import LONGEST_KEPT_TOKEN
from mock_mixpanel.log.row_codec import load
from mock_mixpanel.projects.config import Config, MixpanelLimits, Project
from tests.mock_mixpanel.ingest.verdicts.test_fast_path import NOW, RECORDS, VALUES
from tests.thorough import times

CONFIG = Config(
    limits=MixpanelLimits(body_bytes=3000, records=12),
    projects=(Project("EU", region="eu"), Project("late", alias_delay=0.1)),
)
HEADERS = {"Content-Type": "application/json", "Host": "x"}
QUERIES: list[dict[str, str]] = [{}, {"verbose": "1", "ip": "1"}, {"callback": "f"}, {"img": "1"}]


def event(token: str = "T", **properties: Any) -> dict[str, Any]:
    return {"event": "A", "properties": {"token": token, "distinct_id": "ann"} | properties}


ORDINARY = [[event()], [event(a=[1, {"b": None}]), event(time=NOW)], [event()] * 12]
BODIES = st.one_of(
    st.sampled_from([*ORDINARY, [event("late")], [event("EU")], [event("T"), event("late")], []]),
    st.lists(RECORDS, max_size=3),
    VALUES,
    st.sampled_from([[event()] * 13, [event(a="x" * 3000)], [event(a="x" * 1500)] * 2, event()]),
    st.just([event(), {"event": "$identify", "properties": {"token": "T"}}]),
)
CHANGES: dict[str, Callable[[Backend], object]] = {
    "nothing": lambda backend: None,
    "the clock": lambda backend: backend.clock.change(advance=1),
    "the delay of aliases": lambda backend: backend.change_project("T", {"alias_delay": 0.3}),
    "a limit": lambda backend: backend.change_project("T", {"limits": {"records": 1}}),
    "a limit of depth": lambda backend: backend.change_project("T", {"limits": {"depth": 0}}),
    "a rate limit": lambda backend: backend.change_project("T", {"limits": {"rate_records": 5}}),
    "the region": lambda backend: backend.change_project("T", {"region": "eu"}),
    "places": lambda backend: backend.change_project("T", {"geo": True}),
    "a drop filter": lambda backend: backend.change_project(
        "T", {"drop_filters": [{"event": "A"}]}
    ),
    "a fault": lambda backend: backend.faults.add({"match": {}, "action": {"status": 503}}),
    "no faults": lambda backend: backend.faults.forget(None),
    "a reset": lambda backend: reset(backend),
}


def backend(config: Config = CONFIG) -> Backend:
    found = Backend(config)
    freeze(found)
    return found


def freeze(backend: Backend) -> None:
    backend.clock.change(now=NOW, freeze=True)


def reset(backend: Backend) -> None:
    backend.reset()
    freeze(backend)


def logged(backend: Backend) -> Any:
    """All rows, with the meaning of their JSON in place of its bytes."""
    rows = backend.log.rows()
    return [(each.id, each.first, each.token, load(each.head), load(each.body)) for each in rows]


@settings(max_examples=times(60, 1000))
@given(
    steps=st.lists(st.tuples(BODIES, st.sampled_from(sorted(CHANGES))), max_size=6),
    query=st.sampled_from(QUERIES),
    path=st.sampled_from(["/track", "/import", "/engage"]),
)
def test_prepared_or_not(steps: list[tuple[Any, str]], query: dict[str, str], path: str) -> None:
    """After any requests with the same head, and any changes, replies and log are the same."""

    def results(*, prepare: bool) -> list[Any]:
        server = backend()
        found: list[Any] = []
        with pytest.MonkeyPatch.context() as patch:
            if not prepare:
                patch.setattr(prepared, "find", lambda *arguments: None)
            envelope = Envelope.of("us", "POST", path, query, HEADERS, "127.0.0.1")
            for records, change in steps:
                body = json.dumps(records).encode()
                found.append(ingest(server, path, Incoming(envelope, body)))
                CHANGES[change](server)
        return [*found, logged(server)]

    assert results(prepare=True) == results(prepare=False)


def replies_of(server: Backend, envelope: Envelope, bodies: list[Any]) -> list[tuple[Reply, bool]]:
    """The reply to each request, and whether it was prepared."""
    found: list[tuple[Reply, bool]] = []
    pack = prepared.PreparedRequest.pack
    for records in bodies:
        rows: list[Any] = []

        def noted(*arguments: Any, rows: list[Any] = rows) -> Any:
            rows.append(pack(*arguments))
            return rows[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(prepared.PreparedRequest, "pack", noted)
            reply = ingest(server, "/track", Incoming(envelope, json.dumps(records).encode()))
        found.append((reply, any(rows)))
    return found


def test_ordinary_requests_are_prepared() -> None:
    """The second ordinary request with a head is prepared, for each project, and so on."""
    envelope = Envelope.of("us", "POST", "/track", {}, HEADERS, "127.0.0.1")
    bodies = [*ORDINARY, [event("late")], [event("late")], [event()]]
    found = replies_of(backend(), envelope, bodies)
    assert [reply.body for reply, _ in found] == [b"1"] * 6
    assert [known for _, known in found] == [False, True, True, False, True, True]


NOT_ORDINARY: dict[str, Any] = {
    "a record that is refused": [event(), {"event": "", "properties": {"token": "T"}}],
    "a record without an id": [event(), event(distinct_id=None)],
    "an old record": [event(time=1)],
    "too many records": [event()] * 13,
    "too large a body for the project": [event(a="x" * 500)] * 5,
    "a large property": [event(a=["x" * 1900])],
    "one record without a list": event(),
    "a deep record": [event(a=[[[[[[1]]]]]])],
    "an integer beyond 64 bits": [event(a=2**70)],
    "an identity event": [{"event": "$identify", "properties": event()["properties"]}],
    "records of two projects": [event(), event("U")],
}


@pytest.mark.parametrize("name", NOT_ORDINARY)
def test_other_requests_are_checked_in_full(name: str) -> None:
    """A request that is not ordinary is answered as without an ordinary one before it."""
    limits = {"records": 12, "body_bytes": 2400, "property_bytes": 1800}
    with_earlier, alone = backend(), backend()
    for each in (with_earlier, alone):
        each.change_project("T", {"limits": limits})
    envelope = Envelope.of("us", "POST", "/track", {"verbose": "1"}, HEADERS, "127.0.0.1")
    bodies = [[event()], NOT_ORDINARY[name]]
    [_, (reply, known)] = replies_of(with_earlier, envelope, bodies)
    assert known is False
    other = Envelope.of("us", "POST", "/track", {"verbose": "1"}, HEADERS, "127.0.0.1")
    assert [(reply, False)] == replies_of(alone, other, bodies[1:])
    [*_, (_, _, *row)], [(_, _, *expected)] = logged(with_earlier), logged(alone)
    assert row == expected


FORMS: list[dict[str, str]] = [{}, {"verbose": "1"}, {"verbose": "0"}, {"callback": "f"}]
FORMS += [{"img": "1"}, {"ip": "1"}]
QUERY = {"callback": "g"}


@pytest.mark.parametrize("query", [{}, QUERY])
def test_parameters_in_a_form(query: dict[str, str]) -> None:
    """Control parameters in a form decide its reply alone, whatever form with its head is first."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    def reply(server: Backend, envelope: Envelope, form: dict[str, str]) -> bytes:
        body = urlencode({"data": json.dumps([event()])} | form).encode()
        return ingest(server, "/track", Incoming(envelope, body)).body

    def envelope() -> Envelope:
        return Envelope.of("us", "POST", "/track", query, headers, "127.0.0.1")

    alone = [reply(backend(), envelope(), form) for form in FORMS]
    for first, second in permutations(range(len(FORMS)), 2):
        server, shared = backend(), envelope()
        found = [reply(server, shared, FORMS[each]) for each in (first, second)]
        assert found == [alone[first], alone[second]]


def test_servers_share_no_settings() -> None:
    """What one server prepares for a head is not used by another one with other settings."""
    envelope = Envelope.of("us", "POST", "/track", {"verbose": "1"}, HEADERS, "127.0.0.1")
    first, second = backend(), backend(Config(limits=MixpanelLimits(track_age=5)))
    assert first.version == second.version
    bodies = [[event(time=NOW - 9)]]
    [(taken, _)] = replies_of(first, envelope, bodies)
    [(refused, _)] = replies_of(second, envelope, bodies)
    assert [taken.body, refused.body] == [
        b'{"error":null,"status":1}',
        b'{"error":"time: older than 5.78704e-05 days","status":0}',
    ]


def test_many_projects() -> None:
    """One head for more projects than are kept is answered for each of them."""
    envelope = Envelope.of("us", "POST", "/track", {}, HEADERS, "127.0.0.1")
    server = backend()
    for number in range(2 * prepared.MOST_TOKENS):
        [(reply, _)] = replies_of(server, envelope, [[event(f"T{number}")]])
        assert reply.body == b"1"
    assert 0 < len(envelope.kept) <= prepared.MOST_TOKENS
    tokens = [row.token for row in server.log.rows()]
    assert tokens == [f"T{number}" for number in range(2 * prepared.MOST_TOKENS)]


def test_a_long_token_is_not_kept() -> None:
    """A token of a megabyte is accepted, and neither the head nor the settings keep it."""
    envelope = Envelope.of("us", "POST", "/track", {}, HEADERS, "127.0.0.1")
    server = Backend()
    for token in ("x" * LONGEST_KEPT_TOKEN, "x" * 1_000_000):
        [(reply, _)] = replies_of(server, envelope, [[event(token)]])
        assert reply.body == b"1"
    assert [len(token) for _, token in envelope.kept] == [LONGEST_KEPT_TOKEN]
    kept = [key[1] for key in server.memo if isinstance(key, tuple)]
    assert [len(token) for token in kept] == [LONGEST_KEPT_TOKEN]

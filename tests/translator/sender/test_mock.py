"""The sender against the mock: what arrives is what was sent, whatever goes wrong on the way."""

import json
from io import StringIO
from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.projects.config import Config, MixpanelLimits
from mock_mixpanel.serving.server import Server
from tests.translator.sender.build import EU, US, event, recorded_retry, statuses, update
from translator.core.operations import Operation, Result
from translator.sender import BatchLimits, DeliveryStatus, Sender, run_send

NOON = "2026-06-15T12:00:00Z"
SECONDS = 1781524800
D, R, L = DeliveryStatus.DELIVERED, DeliveryStatus.REJECTED, DeliveryStatus.DEAD_LETTERED


class Delivery:
    """A sender to one project of the mock, and what came of it."""

    def __init__(self, mock: MockMixpanel, **limits: int) -> None:
        self.mock = mock
        self.sleeps: list[float] = []
        mock.freeze(NOON)
        mock.project(secret="s3cret")
        self.sender = Sender(
            {US: mock.url, EU: mock.eu_url},
            "s3cret",
            retry=recorded_retry(self.sleeps),
            limits=BatchLimits(**limits),
            now=lambda: float(SECONDS),
        )

    def send(self, *operations: Operation) -> list[DeliveryStatus]:
        with self.sender:
            return statuses(self.sender.send([self.own(operation) for operation in operations]))

    def own(self, operation: Operation) -> Operation:
        """The same operation for the project of this test."""
        payload: dict[str, Any] = dict(operation.payload)
        if "properties" in payload:
            payload["properties"] = {**payload["properties"], "token": self.mock.token}
        else:
            payload["$token"] = self.mock.token
        return operation._replace(payload=payload)

    def journal(self) -> list[tuple[str, list[Any]]]:
        """Path and record names of each request, in order of arrival."""
        return [
            (
                request["path"],
                [record.get("event", record.get("$distinct_id")) for record in request["payload"]],
            )
            for request in self.mock.requests()
        ]

    def stored(self) -> list[str]:
        return [stored["event"] for stored in self.mock.events(raw=True)]


def imported(name: str, **properties: Any) -> Operation:
    return event(name, "/import", distinct_id="ann", time=SECONDS - 86400, **properties)


def tracked(name: str, **properties: Any) -> Operation:
    return event(name, distinct_id="ann", time=SECONDS, **properties)


def test_order_over_all_endpoints(mock_mixpanel: MockMixpanel) -> None:
    """The order of arrival is the order of the operations, across endpoints."""
    delivery = Delivery(mock_mixpanel)
    group = {"$group_key": "company", "$group_id": "acme", "$set": {"plan": "pro"}}
    assert (
        delivery.send(
            tracked("A"),
            update("ann", "$set", {"n": 1}),
            imported("B"),
            imported("C"),
            Operation("/groups", US, group),
            tracked("D"),
        )
        == [D] * 6
    )
    assert delivery.journal() == [
        ("/track", ["A"]),
        ("/engage", ["ann"]),
        ("/import", ["B", "C"]),
        ("/groups", [None]),
        ("/track", ["D"]),
    ]
    assert delivery.stored() == ["A", "B", "C", "D"]
    assert mock_mixpanel.profiles()["ann"]["n"] == 1
    assert mock_mixpanel.groups()["company"]["acme"] == {"plan": "pro"}


def test_order_holds_while_one_is_retried(mock_mixpanel: MockMixpanel) -> None:
    """Two people interleaved, one request in trouble: nothing of either overtakes it."""
    delivery = Delivery(mock_mixpanel)
    mock_mixpanel.faults({"match": {"path": "/engage", "nth": 1}, "action": {"status": 503}})
    assert (
        delivery.send(
            tracked("A"), update("ann", "$set", {}), tracked("B"), update("bob", "$set", {})
        )
        == [D] * 4
    )
    assert delivery.journal() == [
        ("/track", ["A"]),
        ("/engage", ["ann", "bob"]),
        ("/engage", ["ann", "bob"]),
        ("/track", ["B"]),
    ]
    assert delivery.sleeps == [5.0]


def test_a_bad_event_does_not_hide_among_good_ones(mock_mixpanel: MockMixpanel) -> None:
    """What the mock refuses at /track is reported, and nothing else."""
    delivery = Delivery(mock_mixpanel)
    too_many = {f"p{number}": number for number in range(300)}
    operations = [tracked("A"), tracked("B", **too_many), tracked("C")]
    assert delivery.send(*operations) == [D, R, D]
    assert delivery.stored() == ["A", "C"]
    assert [item["record"]["event"] for item in mock_mixpanel.rejected()] == ["B"]


def test_three_bad_imports_of_five(mock_mixpanel: MockMixpanel) -> None:
    """Of one import only the bad records are rejected, in one request."""
    delivery = Delivery(mock_mixpanel)
    operations = [
        imported("A"),
        imported("B", **{"$insert_id": "not valid!"}),
        imported("C", **{"$insert_id": "x" * 37}),
        imported("D"),
        event("E", "/import", distinct_id="ann"),
    ]
    assert delivery.send(*operations) == [D, R, R, D, R]
    assert delivery.journal() == [("/import", ["A", "B", "C", "D", "E"])]
    assert delivery.stored() == ["A", "D"]


def test_answer_lost_after_storing(mock_mixpanel: MockMixpanel) -> None:
    """An event stored without an answer is sent again, and counts once."""
    delivery = Delivery(mock_mixpanel)
    fault = {"match": {"path": "/track", "nth": 1}, "action": {"store_then": {"close": True}}}
    mock_mixpanel.faults(fault)
    assert delivery.send(tracked("A")) == [D]
    assert delivery.stored() == ["A", "A"]
    assert [stored["event"] for stored in mock_mixpanel.events()] == ["A"]


@pytest.mark.parametrize(
    ("action", "sleeps"),
    [
        ({"status": 429, "headers": {"Retry-After": "9"}}, [9.0, 9.0]),
        ({"status": 503, "body": "upstream connect error"}, [5.0, 7.0]),
        ({"status0": "a temporary failure occurred"}, [5.0, 7.0]),
        ({"close": True}, [5.0, 7.0]),
    ],
)
def test_passing_trouble(
    mock_mixpanel: MockMixpanel, action: dict[str, Any], sleeps: list[float]
) -> None:
    """Trouble that passes loses nothing and doubles nothing."""
    delivery = Delivery(mock_mixpanel)
    mock_mixpanel.faults({"match": {"path": "/track", "times": 2}, "action": action})
    assert delivery.send(tracked("A")) == [D]
    assert delivery.stored() == ["A"]
    assert sleeps == delivery.sleeps


def test_trouble_that_stays(mock_mixpanel: MockMixpanel) -> None:
    """After five tries an operation is a dead letter, and what follows is still sent."""
    delivery = Delivery(mock_mixpanel)
    mock_mixpanel.faults({"match": {"path": "/engage"}, "action": {"status": 503}})
    assert delivery.send(tracked("A"), update("ann", "$add", {"n": 1}), tracked("B")) == [D, L, D]
    assert delivery.sleeps == [5.0, 7.0, 11.0, 19.0]
    assert mock_mixpanel.profiles() == {}
    assert delivery.stored() == ["A", "B"]


def test_status_zero_counts_increments_once(mock_mixpanel: MockMixpanel) -> None:
    """A refused update among increments, even in large batches, doubles none of them."""
    delivery = Delivery(mock_mixpanel)
    mock_mixpanel.faults({"match": {"path": "/engage", "nth": 2}, "action": {"status0": "no"}})
    assert delivery.send(*[update("ann", "$add", {"n": 1})] * 3) == [D, R, D]
    assert mock_mixpanel.profiles()["ann"]["n"] == 2


def test_too_large_is_divided() -> None:
    """A 413 divides a request until what is left fits, or is one record that never will."""
    config = Config(limits=MixpanelLimits(body_bytes=1000))
    with Server(config) as server:
        mock = MockMixpanel(server.url, "T")
        delivery = Delivery(mock)
        operations = [imported(name, text="x" * 300) for name in "ABCD"]
        assert delivery.send(*operations[:2], imported("E", text="x" * 1000), *operations[2:]) == [
            D,
            D,
            L,
            D,
            D,
        ]
        assert sorted(delivery.stored()) == ["A", "B", "C", "D"]
        mock.close()


def test_wrong_secret(mock_mixpanel: MockMixpanel) -> None:
    """With a wrong API secret imports are rejected, and the secret is in no report or journal."""
    message = Result("m-1", (Delivery(mock_mixpanel).own(imported("A")),))
    out, err = StringIO(), StringIO()
    with Sender({US: mock_mixpanel.url}, "wr0ng-secret") as sender:
        code = run_send([b""], lambda _: message, sender, US, out=out, err=err)
    assert (code, json.loads(out.getvalue())["rejected"]) == (1, 1)
    assert "HTTP 401: Invalid credentials" in json.loads(err.getvalue())["reason"]
    assert "wr0ng-secret" not in err.getvalue() + json.dumps(mock_mixpanel.requests())


def test_europe(mock_mixpanel: MockMixpanel) -> None:
    """EU operations arrive at the EU address, US ones at the US address."""
    delivery = Delivery(mock_mixpanel)
    europe = event("E", host=EU, distinct_id="ann", time=SECONDS)
    assert delivery.send(europe, tracked("U")) == [D, D]
    assert [
        (request["region"], record["event"])
        for request in mock_mixpanel.requests()
        for record in request["payload"]
    ] == [("eu", "E"), ("us", "U")]

"""The gateway's routes, with a sender that delivers to nowhere until asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from translator import Rules, Settings
from translator.bulk import translate_line
from translator.core.compiled_settings import plan_for
from translator.core.operations import Json, Result
from translator.gateway import Intake, create_app
from translator.sender import Sender
from translator.sender.books.ledger import Ledger
from translator.sender.books.spool import Spool

NOW = 1_781_524_800.0
CALLS = ["track", "identify", "page", "screen", "group", "alias"]
SHORT = ["t", "i", "p", "s", "g", "a"]


class Gateway:
    """A gateway whose sender is never started: what is taken in waits."""

    def __init__(self, spool: Spool, capacity: int = 100) -> None:
        plan = plan_for(Settings(token="T", people=True), Rules.documented())
        self.losses: list[Json] = []
        self.sender = Sender({"https://api.mixpanel.com": "http://127.0.0.1:9"}, now=lambda: NOW)
        ledger = Ledger(self.sender, self.losses.append, spool=spool)

        def translate(line: bytes) -> Result:
            return translate_line(line, plan, int(NOW * 1000))

        self.intake = Intake(self.sender, ledger, spool, translate, capacity=capacity)

    def client(self, **options: Any) -> FlaskClient:
        return create_app(self.intake, lambda: NOW, **options).test_client()

    def waiting(self) -> list[Any]:
        """What waits, by event or operation."""
        return [letter.operation.payload for letter in self.intake.take(1000) or ()]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "spool") as made:
        yield made


@pytest.fixture
def gateway(spool: Spool) -> Gateway:
    return Gateway(spool)


@pytest.mark.parametrize("prefix", ["/v1/", "/"])
@pytest.mark.parametrize("name", [*CALLS, *SHORT])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_path(gateway: Gateway, prefix: str, name: str, slash: str) -> None:
    """Each call has its path, long and short, with and without version and slash."""
    answer = gateway.client().post(f"{prefix}{name}{slash}", json={"userId": "u", "event": "E"})
    assert (answer.status_code, answer.json) == (200, {"success": True})


def test_batch_is_kept_in_order(gateway: Gateway) -> None:
    """All messages of a batch are in the spool, in order, before it is answered."""
    batch = [{"type": "track", "event": name, "userId": "u", "messageId": name} for name in "ABC"]
    answer = gateway.client().post("/v1/batch", json={"batch": batch})
    assert answer.status_code == 200
    assert [payload["event"] for payload in gateway.waiting()] == ["A", "B", "C"]


def test_repetition_is_taken_in_once(gateway: Gateway) -> None:
    """A client that asks again, because the answer was lost, adds nothing."""
    client = gateway.client()
    for _ in range(2):
        sent = {"event": "E", "userId": "u", "messageId": "m-1"}
        assert client.post("/v1/track", json=sent).status_code == 200
    assert len(gateway.waiting()) == 1
    assert "gateway_duplicates_total 1.0" in client.get("/metrics").text


def test_one_id_for_two_messages(gateway: Gateway) -> None:
    """Different messages with one id, as a client with a defect sends them, are both taken in."""
    client = gateway.client()
    for name in "AB":
        client.post("/v1/track", json={"event": name, "userId": "u", "messageId": "m-1"})
    assert [payload["event"] for payload in gateway.waiting()] == ["A", "B"]


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        ('{"a": 1, "b": {"c": 2, "d": 3}}', '{"b": {"d": 3, "c": 2}, "a": 1}', 1),
        ('{"a": NaN}', '{"a": NaN}', 1),
        ('{"a": NaN}', '{"a": null}', 2),
        ('{"a": Infinity}', '{"a": NaN}', 2),
        ('{"a": "\\ud800"}', '{"a": "\\ud800"}', 1),
        ('{"a": "\\ud800"}', '{"a": "\\ud801"}', 2),
        ('{"a": 1}', '{"a": 1.0}', 2),
        ('{"a": true}', '{"a": 1}', 2),
        ('{"a": "NaN"}', '{"a": "NaN"}', 1),
    ],
)
def test_what_a_repetition_is(gateway: Gateway, first: str, second: str, taken: int) -> None:
    """The same values in any order are the same message; another value makes another."""
    client = gateway.client()
    for properties in (first, second):
        body = f'{{"event": "E", "userId": "u", "messageId": "m", "properties": {properties}}}'
        assert client.post("/v1/track", data=body).status_code == 200
    assert f"gateway_duplicates_total {2 - taken}.0" in client.get("/metrics").text


@pytest.mark.parametrize("depth", [1000, 5000])
def test_too_deep(gateway: Gateway, depth: int) -> None:
    """A body that is nested too deep is refused as a whole, and nothing of it is taken in."""
    deep = "[" * depth + "]" * depth
    good = '{"type": "track", "event": "A", "userId": "u"}'
    bad = f'{{"type": "track", "event": "B", "userId": "u", "properties": {{"x": {deep}}}}}'
    answer = gateway.client().post("/v1/batch", data=f'{{"batch": [{good}, {bad}]}}')
    assert answer.status_code == 400
    assert gateway.waiting() == []


def test_bad_message_stops_only_itself(gateway: Gateway) -> None:
    """One bad message of three is reported with its reason; the others are taken in."""
    good = [{"type": "track", "event": name, "userId": "u"} for name in "AB"]
    answer = gateway.client().post("/v1/batch", json={"batch": [good[0], {"type": "no"}, good[1]]})
    assert answer.status_code == 200
    assert [loss["code"] for loss in gateway.losses] == ["unknown_type"]
    assert [payload["event"] for payload in gateway.waiting()] == ["A", "B"]
    assert gateway.intake.counts()["rejected"] == 1


def test_full(spool: Spool) -> None:
    """With too much waiting a request is refused as a whole, to be sent again later."""
    gateway = Gateway(spool, capacity=1)
    client = gateway.client()
    statuses = [
        client.post("/v1/track", json={"event": "E", "userId": "u"}).status_code for _ in range(3)
    ]
    assert statuses == [200, 503, 503]
    refused = client.post("/v1/track", json={"event": "E", "userId": "u"})
    assert refused.headers["Retry-After"] == "1"


def test_after_closing(gateway: Gateway) -> None:
    """A gateway that is about to end takes in nothing more."""
    gateway.intake.close()
    assert gateway.client().post("/v1/track", json={"event": "E"}).status_code == 503
    assert gateway.intake.take(10) is None


def test_write_keys(gateway: Gateway) -> None:
    """With write keys given, only these may send, in a header or in the body."""
    client = gateway.client(write_keys=["key"])
    sent = {"event": "E", "userId": "u"}
    assert [
        client.post("/v1/track", json=sent, auth=("key", "")).status_code,
        client.post("/v1/track", json={**sent, "writeKey": "key"}).status_code,
        client.post("/v1/track", json=sent, auth=("other", "")).status_code,
        client.post("/v1/track", json=sent).status_code,
    ] == [200, 200, 401, 401]


def test_page_of_another_origin(gateway: Gateway) -> None:
    """A browser may call from every page; the visitor's address goes along."""
    client = gateway.client()
    origin = {"Origin": "https://shop.test"}
    asked = {**origin, "Access-Control-Request-Headers": "content-type"}
    preflight = client.options("/v1/t", headers=asked)
    allowed = ("Access-Control-Allow-Origin", "Access-Control-Allow-Headers")
    assert [preflight.headers[name] for name in allowed] == ["*", "content-type"]
    text = '{"event": "E", "userId": "u"}'
    answer = client.post("/v1/t", data=text, content_type="text/plain", headers=origin)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert [payload["properties"]["ip"] for payload in gateway.waiting()] == ["127.0.0.1"]


def test_settings_of_a_page(gateway: Gateway) -> None:
    """The browser's SDK is told to send here and nowhere else."""
    answer = gateway.client().get("/v1/projects/key/settings")
    here = {"apiKey": "key", "apiHost": "localhost/v1", "protocol": "http"}
    assert answer.json == {"integrations": {"Segment.io": here}, "plan": {}}


def test_health(gateway: Gateway) -> None:
    """It says whether the sender is at work, and how much waits."""
    well = gateway.client().get("/healthz")
    assert (well.status_code, well.json) == (200, {"status": "ok", "waiting": 0})
    assert gateway.client(alive=lambda: False).get("/healthz").status_code == 503


def test_unknown_path(gateway: Gateway) -> None:
    """An unknown path names the known ones."""
    answer = gateway.client().post("/v1/trak")
    assert answer.status_code == 404
    assert "/v1/track" in answer.text


def test_metrics(gateway: Gateway) -> None:
    """Prometheus reads what became of messages, and what waits."""
    client = gateway.client()
    client.post("/v1/track", json={"event": "E", "userId": "u"})
    client.post("/v1/page", json={"userId": "u", "name": "Home"})
    text = client.get("/metrics").text
    assert "gateway_waiting 1.0" in text
    assert 'gateway_messages_total{fate="skipped"} 1.0' in text

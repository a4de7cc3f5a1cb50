"""A bad message stops only itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.translator.gateway.build import Client, TestGateway
from translator.cloud.translate import translate_message
from translator.gateway.translation.request_translation import PIECE_MESSAGES
from translator.sender.books.dead_letters import DeadLetters

GOOD = [{"type": "track", "event": name, "userId": "u", "messageId": name} for name in "AB"]
AHEAD = {"sentAt": "2027-01-01T00:00:00.000Z"}
BEHIND = {"sentAt": "1970-01-01T00:00:00.000Z"}
LAST = "9999-12-31T23:59:59Z"
FIRST = "0001-01-01T00:00:00Z"


def bad(**fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "bad", "userId": "u", "messageId": "bad", **fields}


@pytest.mark.parametrize(
    ("batch", "code"),
    [
        ([bad(type="no")], "unknown_type"),
        ([5], "not_an_object"),
        ([None], "not_an_object"),
        (["text"], "not_an_object"),
        ([bad(timestamp=FIRST, **AHEAD)], "timestamp_too_old"),
        ([bad(timestamp=FIRST)], "timestamp_too_old"),
        ([bad(timestamp="0001-01-01T00:00:00+14:00")], "timestamp_unparsable"),
        ([bad(timestamp=1e300)], "timestamp_unparsable"),
        ([bad(timestamp=-1e300, **AHEAD)], "timestamp_unparsable"),
        ([bad(timestamp="soon", **AHEAD)], "timestamp_unparsable"),
        ([bad(timestamp={"a": 1}, **AHEAD)], "invalid_field"),
        ([bad(properties={"x": [[[[0]]]] * 2, "deep": json.loads("[" * 120 + "]" * 120)})],
         "nesting_too_deep"),
        ([bad(context={"deep": json.loads("[" * 120 + "]" * 120)})], "nesting_too_deep"),
        ([bad(somewhere={"deep": json.loads("[" * 120 + "]" * 120)})], "nesting_too_deep"),
        ([bad(context=5)], "invalid_field"),
    ],
)  # fmt: skip
def test_only_the_bad_message_is_lost(
    gateway: TestGateway, client: Client, batch: list[Any], code: str
) -> None:
    """The other messages of its batch are taken in, and it is reported with its reason."""
    response = client.post("/v1/batch", {"batch": [GOOD[0], *batch, GOOD[1]]})
    assert response.status == 200
    assert [loss["code"] for loss in gateway.losses] == [code]
    assert [payload["event"] for payload in gateway.waiting()] == ["A", "B"]
    assert gateway.intake.counts()["rejected"] == 1


@pytest.mark.parametrize("sent_at", [{}, AHEAD, BEHIND, {"sentAt": FIRST}, {"sentAt": LAST}])
@pytest.mark.parametrize("timestamp", [LAST, "9999-12-31T23:59:59.999Z", 253402300799999])
def test_the_end_of_the_calendar(
    gateway: TestGateway, client: Client, timestamp: Any, sent_at: dict[str, str]
) -> None:
    """A time that cannot be corrected within the calendar is sent as the device gave it."""
    batch = [GOOD[0], bad(timestamp=timestamp), GOOD[1]]
    assert client.post("/v1/batch", {"batch": batch, **sent_at}).status == 200
    assert gateway.losses == []
    events = [payload["event"] for payload in gateway.waiting()]
    assert events == ["A", "bad", "B"]


def test_what_json_does_not_allow(gateway: TestGateway, client: Client) -> None:
    """NaN, lone surrogates and long integers are faults of their own message."""
    fields = ['{"a": NaN}', '{"a": "\\ud800"}', '{"a": 1e999}']
    start = '{"type": "track", "event": "E", "userId": "u", "properties": '
    broken = [start + each + "}" for each in fields]
    good = json.dumps(GOOD[0])
    client.post("/v1/batch", f'{{"batch": [{", ".join([*broken, good])}]}}'.encode())
    assert [loss["code"] for loss in gateway.losses] == ["invalid_value"] * 3
    assert [payload["event"] for payload in gateway.waiting()] == ["A"]


def test_a_dead_letter_for_each(tmp_path: Path) -> None:
    """With a spool a message that cannot be translated is a dead letter, whole."""
    gateway = TestGateway(tmp_path)
    message = {"type": "no", "userId": "u", "messageId": "m"}
    gateway.client().post("/v1/batch", {"batch": [message]})
    [line] = (tmp_path / "spool.dead").read_text().splitlines()
    gateway.close()
    kept = json.loads(json.loads(line)["message"])
    assert {name: kept[name] for name in message} == message


def test_thousands_of_bad_messages_are_few_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dead letters of many bad messages are written together, a piece of the request a time."""
    writes: list[int] = []
    append = DeadLetters.append

    def counted(self: DeadLetters, lines: Any) -> None:
        writes.append(len(lines))
        append(self, lines)

    monkeypatch.setattr(DeadLetters, "append", counted)
    gateway = TestGateway(tmp_path)
    batch = [{"type": "no", "userId": "u", "messageId": str(n)} for n in range(2000)]
    assert gateway.client().post("/v1/batch", {"batch": batch}).status == 200
    gateway.close()
    assert writes == [PIECE_MESSAGES] * (2000 // PIECE_MESSAGES)
    assert len((tmp_path / "spool.dead").read_text().splitlines()) == 2000


def test_a_defect_of_the_translator(
    gateway: TestGateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message at which the translator itself fails is reported, and the others go on."""

    def broken(message: Any, *rest: Any) -> Any:
        if message["event"] == "bad":
            raise OverflowError("date value out of range")
        return translate_message(message, *rest)

    monkeypatch.setattr("translator.bulk.translate_message", broken)
    client.post("/v1/batch", {"batch": [GOOD[0], bad(), GOOD[1]]})
    assert [loss["code"] for loss in gateway.losses] == ["internal_error"]
    assert [payload["event"] for payload in gateway.waiting()] == ["A", "B"]


def test_bundled(gateway: TestGateway, client: Client) -> None:
    """A call that the app's own SDK has sent to Mixpanel is skipped, with the reason counted."""
    client.post("/v1/b", {"batch": [bad(_metadata={"bundled": ["Mixpanel"]}, integrations={})]})
    assert gateway.waiting() == []
    text = client.get("/metrics").text
    assert 'gateway_reasons_total{code="bundled",fate="skipped"} 1.0' in text

"""Several write keys, each with its own settings."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.translator.gateway.build import TestGateway, taken
from translator.gateway.messages.segment_limits import SEGMENT
from translator.gateway.sources.pipeline import Pipeline
from translator.gateway.sources.sources import (
    Sources,
    SourcesError,
    basic_user,
    read_sources,
    source_name,
)
from translator.sender.queue.queued_operation import QueuedOperation

SHOP, APP = "key-of-the-shop", "key-of-the-app"
TRACK = {"event": "E", "userId": "u"}
SEGMENT_LIMITS_WITH_THREE_MESSAGES = replace(SEGMENT, batch_messages=3)


class Files:
    """A gateway with a file of sources."""

    def __init__(self, folder: Path, *, spool: bool = False) -> None:
        self.gateway = TestGateway(folder if spool else None)
        self.file = folder / "sources.json"
        self.folder = folder
        self.opened: list[Any] = []

    def write(self, sources: Any) -> None:
        self.file.write_text(json.dumps(sources))

    def sources(self, *, default: bool = False) -> Sources:
        def start(pipeline: Pipeline) -> None:
            self.gateway.start(pipeline)
            self.opened.append(pipeline)

        found = Sources(
            self.gateway.pipeline if default else None,
            file=self.file,
            make=lambda name, settings: Pipeline(name, settings, self.gateway.delivery),
            start=start,
        )
        found.load()
        return found

    def close(self) -> None:
        for each in self.opened:
            each.intake.close()
            each.close()
        self.gateway.close()


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    made = Files(tmp_path)
    yield made
    made.close()


def tokens(sources: Sources) -> dict[str, list[str]]:
    """The tokens of what waits, by source."""
    return {
        each.name: [_token(queued) for queued in taken(each, 100)] for each in sources.pipelines
    }


def _token(queued: QueuedOperation) -> str:
    return str(queued.operation.payload["properties"]["token"])


def test_each_key_has_its_settings(files: Files) -> None:
    """A call is translated with the settings of its write key, inline or in a file."""
    (files.folder / "app.yaml").write_text("token: TOKEN-APP\n")
    files.write({SHOP: {"token": "TOKEN-SHOP"}, APP: "app.yaml"})
    sources = files.sources()
    client = files.gateway.client(sources=sources)
    assert client.post("/v1/track", TRACK, write_key=SHOP).status == 200
    assert client.post("/v1/track", {**TRACK, "writeKey": APP}).status == 200
    assert tokens(sources) == {
        source_name(SHOP): ["TOKEN-SHOP"],
        source_name(APP): ["TOKEN-APP"],
    }


def test_the_same_message_to_two_sources(files: Files) -> None:
    """Duplicates are those of one source: another source takes the same message in too."""
    files.write({SHOP: {"token": "A"}, APP: {"token": "B"}})
    sources = files.sources()
    client = files.gateway.client(sources=sources)
    for key in (SHOP, APP, SHOP):
        client.post("/v1/track", {**TRACK, "messageId": "m"}, write_key=key)
    assert [len(found) for found in tokens(sources).values()] == [1, 1]


def test_an_unknown_key(files: Files) -> None:
    """It is answered 200, as Segment does, and nothing is taken in; without a key it is 400."""
    files.write({SHOP: {"token": "A"}})
    sources = files.sources()
    client = files.gateway.client(sources=sources)
    response = client.post("/v1/track", TRACK, write_key="another")
    assert (response.status, response.json) == (200, {"success": True})
    assert client.post("/v1/track", TRACK).status == 400
    assert [len(found) for found in tokens(sources).values()] == [0]
    assert "gateway_unknown_write_key_total 2.0" in client.get("/metrics").text


def a_batch(*write_keys: str | None) -> dict[str, Any]:
    """A batch with a message for each write key; its event is its place and its key."""
    return {
        "batch": [
            {"type": "track", "event": f"{place} {write_key}", "userId": "u"}
            | ({} if write_key is None else {"writeKey": write_key})
            for place, write_key in enumerate(write_keys)
        ]
    }


def events(sources: Sources) -> dict[str, list[str]]:
    """The events of what waits, by source."""
    return {
        each.name: [queued.operation.payload["event"] for queued in taken(each, 100)]
        for each in sources.pipelines
    }


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/b/"])
def test_a_batch_for_several_sources(
    files: Files, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each message of a batch without a key goes to the source of its own key, in order; one whose
    key is unknown or missing is counted and logged, and goes nowhere."""
    files.write({SHOP: {"token": "A"}, APP: {"token": "B"}})
    sources = files.sources()
    client = files.gateway.client(sources=sources)
    response = client.post(path, a_batch(SHOP, APP, "another", SHOP, None, APP))
    assert (response.status, response.json) == (200, {"success": True})
    assert events(sources) == {
        source_name(SHOP): [f"0 {SHOP}", f"3 {SHOP}"],
        source_name(APP): [f"1 {APP}", f"5 {APP}"],
    }
    assert "gateway_unknown_write_key_total 2.0" in client.get("/metrics").text
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    ("user", "body"), [(SHOP, {}), (None, {"writeKey": SHOP}), (SHOP, {"writeKey": APP})]
)
def test_the_key_of_a_request_holds_for_its_messages(
    files: Files, user: str | None, body: dict[str, Any]
) -> None:
    """The Basic user, or else the key of the batch, decides for all messages of the batch."""
    files.write({SHOP: {"token": "A"}, APP: {"token": "B"}})
    sources = files.sources()
    client = files.gateway.client(sources=sources)
    batch = {**a_batch(SHOP, APP, None), **body}
    assert client.post("/v1/batch", batch, write_key=user).status == 200
    assert tokens(sources) == {source_name(SHOP): ["A", "A", "A"], source_name(APP): []}


def test_a_batch_for_sources_and_settings(files: Files) -> None:
    """With settings besides the sources, messages with another key or without one use those."""
    files.write({SHOP: {"token": "A"}})
    sources = files.sources(default=True)
    client = files.gateway.client(sources=sources)
    client.post("/v1/batch", a_batch("another", SHOP, None, "third"))
    assert tokens(sources) == {"": ["T", "T", "T"], source_name(SHOP): ["A"]}


def test_a_batch_with_unknown_keys_only(files: Files) -> None:
    """A batch none of whose keys is known is answered 200, and one without any key 400."""
    files.write({SHOP: {"token": "A"}})
    client = files.gateway.client(sources=files.sources())
    assert client.post("/v1/batch", a_batch(None, "another")).status == 200
    assert client.post("/v1/batch", a_batch(None, None)).status == 400
    assert "gateway_unknown_write_key_total 4.0" in client.get("/metrics").text


def test_limits_of_a_batch_for_several_sources(files: Files) -> None:
    """Limits hold for the whole batch: for the places of its messages, and for their sizes."""
    files.write({SHOP: {"token": "A"}, APP: {"token": "B"}})
    sources = files.sources()
    client = files.gateway.client(sources=sources, limits=SEGMENT_LIMITS_WITH_THREE_MESSAGES)
    batch = a_batch(APP, SHOP, APP, SHOP)
    batch["batch"][0]["properties"] = {"text": "x" * 40_000}
    assert client.post("/v1/batch", batch).status == 200
    assert events(sources) == {source_name(SHOP): [f"1 {SHOP}"], source_name(APP): [f"2 {APP}"]}
    assert [loss["code"] for loss in files.gateway.losses] == [
        "message_too_large",
        "batch_too_long",
    ]


def test_a_batch_when_one_of_its_sources_cannot_store(files: Files, monkeypatch: Any) -> None:
    """If the messages of one source cannot be stored the request is answered 503; sent again, each
    message is taken in once."""
    files.write({SHOP: {"token": "A"}, APP: {"token": "B"}})
    sources = files.sources()
    client = files.gateway.client(sources=sources)
    batch = a_batch(SHOP, APP)
    for place, message in enumerate(batch["batch"]):
        message["messageId"] = f"m{place}"
    app = sources.find(APP)
    assert app is not None
    with monkeypatch.context() as patch:
        patch.setattr(app.ledger, "take_in", lambda _: 1 / 0)
        assert client.post("/v1/batch", batch).status == 503
    assert client.post("/v1/batch", batch).status == 200
    assert events(sources) == {source_name(SHOP): [f"0 {SHOP}"], source_name(APP): [f"1 {APP}"]}


def test_settings_for_all_other_keys(files: Files) -> None:
    """With settings besides the sources, they are for every other key."""
    files.write({SHOP: {"token": "A"}})
    sources = files.sources(default=True)
    client = files.gateway.client(sources=sources)
    client.post("/v1/track", TRACK, write_key="another")
    client.post("/v1/track", TRACK, write_key=SHOP)
    assert tokens(sources) == {"": ["T"], source_name(SHOP): ["A"]}


@pytest.mark.parametrize(("key", "status"), [("key", 200), ("other", 200), (None, 400)])
def test_write_keys_without_a_file(gateway: TestGateway, key: str | None, status: int) -> None:
    """With write keys given, only calls with one of them are taken in."""
    client = gateway.client(sources=Sources(gateway.pipeline, write_keys=["key"]))
    assert client.post("/v1/track", TRACK, write_key=key).status == status
    assert gateway.pipeline.delivery.waiting == (key == "key")


def test_reload(files: Files) -> None:
    """A changed file counts from now on: new keys, new settings, and keys that are gone."""
    files.write({SHOP: {"token": "A"}})
    sources = files.sources()
    assert not sources.reload()
    files.write({APP: {"token": "B", "apiSecret": "changed"}})
    assert sources.reload()
    assert (sources.find(SHOP), sources.find(APP) is not None) == (None, True)
    files.write({APP: {"token": "C", "sourceName": "x"}, SHOP: {"token": "D"}})
    assert sources.reload()
    client = files.gateway.client(sources=sources)
    for key in (APP, SHOP):
        client.post("/v1/track", TRACK, write_key=key)
    assert tokens(sources) == {source_name(SHOP): ["D"], source_name(APP): ["C"]}


def test_a_file_of_settings_that_changes(files: Files) -> None:
    """A file that the sources name is read again too."""
    settings = files.folder / "shop.json"
    settings.write_text('{"token": "A"}')
    files.write({SHOP: "shop.json"})
    sources = files.sources()
    settings.write_text('{"token": "changed"}')
    assert sources.reload()
    files.gateway.client(sources=sources).post("/v1/track", TRACK, write_key=SHOP)
    assert tokens(sources) == {source_name(SHOP): ["changed"]}


def test_a_bad_file_changes_nothing(files: Files) -> None:
    """A file that cannot be used leaves the sources as they are, until it is mended."""
    files.write({SHOP: {"token": "A"}})
    sources = files.sources()
    before = sources.find(SHOP)
    files.file.write_text("{")
    assert not sources.reload()
    assert sources.find(SHOP) is before
    files.write({SHOP: {"token": "mended"}})
    assert sources.reload()


@pytest.mark.parametrize("fault", ["spool", "destination", "dead letters"])
def test_all_or_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str) -> None:
    """If one source of a changed file cannot be opened, nothing changes: no new source, no key
    that is gone, no settings; the error names the source."""
    files = Files(tmp_path, spool=True)
    files.write({SHOP: {"token": "A"}})
    sources = files.sources()
    threads = threading.active_count()
    bad: dict[str, Any] = {"token": "C"}
    if fault == "spool":
        (tmp_path / f"spool.{source_name('bad')}").mkdir()
    elif fault == "dead letters":
        (tmp_path / f"spool.{source_name('bad')}.dead").mkdir()
    else:
        bad["enableEuropeanUnionEndpoint"] = True
    for changed in ({"new": {"token": "B"}, "bad": bad}, {SHOP: {"token": "D"}, "bad": bad}):
        caplog.clear()
        files.write(changed)
        assert not sources.reload()
        [record] = caplog.records
        assert f"source 2 ({source_name('bad')}) cannot be opened" in record.getMessage()
        assert [each.name for each in sources.pipelines] == [source_name(SHOP)]
        assert (sources.find("new"), sources.find("bad")) == (None, None)
        assert threading.active_count() == threads
    client = files.gateway.client(sources=sources)
    assert client.post("/v1/track", TRACK, write_key=SHOP).status == 200
    assert tokens(sources) == {source_name(SHOP): ["A"]}
    # What was opened for it is closed again: it can be opened now.
    files.write({"new": {"token": "B"}})
    assert sources.reload()
    files.close()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "it must be an object"),
        ("{}", "it must be an object"),
        ('{"secret-key": {"token": ""}}', "source 1: "),
        ('{"secret-key": {"tokn": "T"}}', "did you mean"),
        ('{"secret-key": 5}', "source 1: "),
        ('{"secret-key": "nowhere.json"}', "nowhere.json"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, problem: str) -> None:
    """Each is an error that says where, and shows no write key."""
    file = tmp_path / "sources.json"
    file.write_text(text)
    with pytest.raises(SourcesError) as caught:
        read_sources(file)
    assert problem in str(caught.value)
    assert "secret-key" not in str(caught.value)


def test_a_key_that_is_no_text(tmp_path: Path) -> None:
    """YAML reads some keys as numbers: that is an error that says what to do."""
    file = tmp_path / "sources.yaml"
    file.write_text("123: {token: T}\n")
    with pytest.raises(SourcesError, match="put it in quotes"):
        read_sources(file)


def test_secrets_are_hidden(files: Files) -> None:
    """Write keys, secrets and tokens of the file appear in no text that is shown."""
    files.write({SHOP: {"token": "TOKEN-A", "apiSecret": "SECRET-A"}})
    sources = files.sources()
    shown = sources.redact(f"key {SHOP} secret SECRET-A token TOKEN-A")
    assert shown == "key [redacted] secret [redacted] token [redacted]"


@pytest.mark.parametrize(
    ("header", "user"),
    [
        ("Basic a2V5Og==", "key"),
        ("basic a2V5", "key"),
        ("Basic a2V5OnBhc3M=", "key"),
        ("Basic a2V5OnBhc3M", "key"),
        ("BASIC   a2V5OnBhc3M  ", "key"),
        ("Basic a2V5Og", "key"),
        ("Bearer a2V5Og==", None),
        ("Basic ?", None),
        ("", None),
    ],
)
def test_basic_credentials(header: str, user: str | None) -> None:
    """The write key is the user, also where the colon after it is missing."""
    assert basic_user(header) == user

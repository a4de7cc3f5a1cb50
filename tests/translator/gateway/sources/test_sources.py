"""Several write keys, each with its own settings."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.translator.gateway.build import TestGateway, taken
from translator.gateway.sources.pipeline import Pipeline
from translator.gateway.sources.sources import (
    Sources,
    SourcesError,
    basic_user,
    read_sources,
    source_name,
)
from translator.sender.dispatch.queued_operation import QueuedOperation

SHOP, APP = "key-of-the-shop", "key-of-the-app"
TRACK = {"event": "E", "userId": "u"}


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
        ("Bearer a2V5Og==", None),
        ("Basic ?", None),
        ("", None),
    ],
)
def test_basic_credentials(header: str, user: str | None) -> None:
    """The write key is the user, also where the colon after it is missing."""
    assert basic_user(header) == user

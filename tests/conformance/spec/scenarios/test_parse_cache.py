"""The cache of parsed scenario files."""

from pathlib import Path

import pytest

from conformance.spec.scenarios import checks, loading, parse_cache
from conformance.spec.scenarios.loading import load_scenarios
from tests.project.paths import ROOT


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, not made yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mockpanel"


def uncached(monkeypatch: pytest.MonkeyPatch, texts: dict[str, bytes]) -> tuple[str, ...]:
    """The titles of the scenarios in these files, as a new process loads them."""
    files = [(path, _File(text)) for path, text in texts.items()]
    monkeypatch.setattr(loading, "scenario_files", lambda: files)
    return tuple(scenario.title for scenario in load_scenarios.__wrapped__())


class _File:
    def __init__(self, text: bytes) -> None:
        self._text = text

    def read_bytes(self) -> bytes:
        return self._text


def scenario(title: str) -> bytes:
    return f"""
id: track/one
title: {title}
level: must
source: [doc#track]
settings: {{token: T}}
steps: [{{messages: [{{type: track, event: "\\ud800"}}]}}]
expect: {{requests: []}}
""".encode()


def test_the_second_load_parses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache gives the same values as the files."""
    texts = {"track/one.yaml": scenario("A")}
    monkeypatch.setattr(
        loading, "scenario_files", lambda: [("track/one.yaml", _File(*texts.values()))]
    )
    first = load_scenarios.__wrapped__()
    monkeypatch.setattr(checks, "parse_yaml", None)
    assert load_scenarios.__wrapped__() == first


def test_a_changed_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache belongs to the exact text of the files."""
    assert uncached(monkeypatch, {"track/one.yaml": scenario("A")}) == ("A",)
    assert uncached(monkeypatch, {"track/one.yaml": scenario("B")}) == ("B",)


def test_a_damaged_cache_is_ignored(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are read again."""
    assert uncached(monkeypatch, {"track/one.yaml": scenario("A")}) == ("A",)
    [file] = cache_folder.iterdir()
    file.write_text("{", encoding="utf-8")
    assert uncached(monkeypatch, {"track/one.yaml": scenario("A")}) == ("A",)


def test_a_folder_that_cannot_be_made_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a cache the scenarios still load."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert uncached(monkeypatch, {"track/one.yaml": scenario("A")}) == ("A",)


def test_old_caches_go(cache_folder: Path) -> None:
    """Only the newest few stay."""
    for number in range(parse_cache.KEPT + 3):
        parse_cache.store("scenarios", str(number), number)
    assert len(list(cache_folder.iterdir())) == parse_cache.KEPT


def test_the_parts_of_a_key_do_not_run_together() -> None:
    """Where a part ends counts."""
    assert parse_cache.digest([b"ab", b"c"]) != parse_cache.digest([b"a", b"bc"])


def test_a_changed_check_is_applied() -> None:
    """The cache belongs to every module that reads and checks scenarios."""
    texts = set(loading.deciding_texts())
    missing = [
        path.name
        for path in (ROOT / "conformance" / "spec").rglob("*.py")
        if path.stat().st_size and path.read_bytes() not in texts
    ]
    assert missing == []

"""Every kind of store keeps the same log, and the same settings, as the one in memory."""

import os
import struct
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import pytest
import sqlalchemy as sa

from mock_mixpanel.log.row_codec import Packed
from mock_mixpanel.log.stores import (
    KEPT_ANSWERS,
    KEPT_BYTES,
    PAGE,
    Store,
    StoreError,
    answers_to_drop,
    log_file,
    open_store,
)
from mock_mixpanel.log.stores.folder import SETTINGS_SLACK
from mock_mixpanel.log.stores.folder_head import Head
from mock_mixpanel.log.stores.sql.schema import metadata
from tests.mock_mixpanel import postgresql

KINDS = ["memory", "folder", "sqlite"]
SHARED = ["folder", "sqlite", "postgresql"]
ROW = Packed("T", 1, b'[[0,"us","POST","/",{},{},200,"1"],[],null,null]', b"[]")


def url(kind: str, folder: Path) -> str:
    urls = {"memory": "memory:", "folder": f"folder:{folder}/log"}
    return urls.get(kind, f"sqlite:///{folder}/store")


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # A path of its own: those of pytest are too long for a socket.
    with TemporaryDirectory() as folder, postgresql.running(Path(folder)) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """An empty database."""
    yield postgresql_server
    engine = sa.create_engine(postgresql_server.replace("postgresql:", "postgresql+psycopg:"))
    metadata.drop_all(engine)
    engine.dispose()


def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a fixture that has the kind as parameter."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return url(request.param, tmp_path)


@pytest.fixture(params=[*KINDS, "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(store_url(request, tmp_path))
    yield opened
    opened.close()


@pytest.fixture(params=SHARED)
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a store that several workers can share."""
    return store_url(request, tmp_path)


def ids(store: Store) -> list[tuple[int, int]]:
    """Of each row and of its first entry."""
    return [(row.id, row.first) for row in store.page(None, 0).rows]


def test_ids_count_up(store: Store) -> None:
    """Ids of requests and of entries count up from 1; a request without records takes one too."""
    for size in (1, 3, 0, 2):
        assert store.append(ROW._replace(size=size))
    assert ids(store) == [(1, 1), (2, 2), (3, 5), (4, 6)]


@pytest.mark.parametrize("token", [None, "T"])
def test_ids_are_never_used_again(store: Store, token: str | None) -> None:
    """Not even when the newest rows were forgotten."""
    store.append(ROW._replace(size=3))
    store.forget(token)
    store.append(ROW)
    assert ids(store) == [(2, 4)]


@pytest.mark.parametrize("token", [None, "T"])
def test_last_id_stays(store: Store, token: str | None) -> None:
    """The id of the last row is known without reading rows, also when the row was forgotten."""
    assert store.last() == 0
    store.append(ROW)
    store.append(ROW)
    assert store.last() == 2
    store.forget(token)
    assert store.last() == 2


def test_rows_come_back_as_they_were(store: Store) -> None:
    """Each byte of a row is kept, also those that no text can have."""
    packed = Packed("T\u20ac", 2, b"\x00\xff head", b"\x00\xfe body")
    store.append(packed)
    store.append(ROW._replace(token=None))
    one, other = store.rows([1, 2, 77])
    assert one == (1, 1, "T\u20ac", b"\x00\xff head", b"\x00\xfe body")
    assert None is other.token


def test_pages(store: Store) -> None:
    """Rows come page by page; the last page is not full."""
    for _ in range(PAGE + 1):
        store.append(ROW)
    first = store.page(None, 0)
    second = store.page(first.generation, first.rows[-1].id)
    assert (len(first.rows), first.last, len(second.rows), second.last) == (PAGE, False, 1, True)


def test_forgetting_begins_anew(store: Store) -> None:
    """After something was forgotten, a reader gets all that is left from the beginning."""
    store.append(ROW)
    store.append(ROW._replace(token="U"))
    generation = store.page(None, 0).generation
    assert store.page(generation, 2).rows == []
    store.forget("T")
    page = store.page(generation, 2)
    assert (page.generation != generation, [row.id for row in page.rows]) == (True, [2])


def test_what_was_judged_by_old_settings_is_refused(store: Store) -> None:
    """A row that was decided under older settings is not appended."""
    version, values = store.settings(0)
    assert values == {}
    assert store.append(ROW, version)
    with store.exclusive():
        store.put("a", b"1")
    assert not store.append(ROW, version)
    assert store.append(ROW, store.settings(0).version)
    assert [row_id for row_id, _ in ids(store)] == [1, 2]


NAMES = ["a", "\0", "\ud800", "\x1b", '\x1b"quoted"', "line\nfeed", "ünïcode 🌳", ""]


def test_changed_settings_are_told(store: Store) -> None:
    """A reader gets what changed since the version it saw, removed settings too, of any name."""
    with store.exclusive():
        for number, name in enumerate(NAMES):
            store.put(name, b"%d" % number)
    first = store.settings(0)
    assert first.values == {name: b"%d" % number for number, name in enumerate(NAMES)}
    assert store.settings(first.version).values == {}
    with store.exclusive():
        store.put("b", b"new")
        store.put("a", None)
        store.put("\0", b"changed")
    second = store.settings(first.version)
    assert second.values == {"b": b"new", "a": None, "\0": b"changed"}
    assert (second.version > first.version, store.settings(second.version).values) == (True, {})


def test_forgetting_keeps_settings(store: Store) -> None:
    """Rows are forgotten, settings stay, and the version is another one."""
    with store.exclusive():
        store.put("a", b"1")
    before = store.settings(0)
    store.forget(None)
    after = store.settings(0)
    assert (after.values, after.version > before.version) == ({"a": b"1"}, True)


def test_outdated_settings_are_dropped(tmp_path: Path) -> None:
    """A folder keeps the newest value of each setting, and some outdated ones."""
    store = open_store(url("folder", tmp_path))
    other = open_store(url("folder", tmp_path))
    with store.exclusive():
        store.put("kept", b"1")
        store.put("gone", b"1")
        store.put("gone", None)
    seen = other.settings(0)
    value = b"x" * 10_000
    for _ in range(3 * SETTINGS_SLACK // len(value)):
        with store.exclusive():
            store.put("counted", value)
    assert other.settings(seen.version).values == {"counted": value}
    assert other.settings(0).values == {"kept": b"1", "gone": None, "counted": value}
    [file] = (tmp_path / "log").glob("settings-*")
    assert file.stat().st_size < 2 * SETTINGS_SLACK
    store.close()
    other.close()


@pytest.mark.parametrize("token", NAMES)
def test_any_token_is_kept(store: Store, token: str) -> None:
    """A token with NUL, a lone surrogate or a control character is kept, found and forgotten."""
    store.append(ROW._replace(token=token))
    store.append(ROW._replace(token="other"))
    assert [row.token for row in store.page(None, 0).rows] == [token, "other"]
    store.remember(token, [b"answer"])
    assert store.recall(token, 0) == b"answer"
    store.forget(token)
    assert [row.token for row in store.page(None, 0).rows] == ["other"]


def test_keep(tmp_path: Path) -> None:
    """With `keep` the newest records stay, and never more than that, whatever a request holds."""
    for kind in KINDS:
        for size in (2, 300):
            folder = tmp_path / f"{kind}-{size}"
            folder.mkdir()
            store = open_store(url(kind, folder), keep=1000)
            for number in range(1, 700 if size == 2 else 30):
                store.append(ROW._replace(size=size))
                kept = size * len(ids(store)) if number % 16 == 0 else 0
                assert kept <= 1000
            assert 1000 - 100 - size <= size * len(ids(store))
            assert ids(store)[-1] == (number, (number - 1) * size + 1)
            store.close()


def test_two_workers_agree(shared_url: str) -> None:
    """Several workers on one store count each row once, and each change of the document."""
    workers = [open_store(shared_url) for _ in range(4)]

    def work(store: Store) -> None:
        for _ in range(50):
            store.append(ROW)
            with store.exclusive():
                count = int(store.settings(0).values.get("n") or 0)
                store.put("n", b"%d" % (count + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, workers))
    assert [(n, n) for n in range(1, 201)] == ids(workers[0])
    assert workers[1].settings(0).values == {"n": b"200"}
    for store in workers:
        store.close()


def test_an_error_undoes_all(store: Store) -> None:
    """What failed in the middle changed nothing, where something can be undone at all."""
    if type(store).__name__ == "MemoryStore":
        return

    def fail() -> None:
        with store.exclusive():
            store.append(ROW)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert ids(store) == []
    assert store.append(ROW)


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A file that cannot be made is an error that names it."""
    with pytest.raises(StoreError, match=r"no/where cannot be opened: unable to open database"):
        open_store(f"sqlite:///{tmp_path}/no/where")


def test_server_that_is_not_there(tmp_path: Path) -> None:
    """A database that does not answer is an error that names it, without its password."""
    with pytest.raises(StoreError, match=r"ann:\*\*\*@/x\?host=.* cannot be opened: connection"):
        open_store(f"postgresql://ann:hush@/x?host={tmp_path}")


def test_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the driver of a database, the error says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install 'mockpanel\[postgresql\]'"):
        open_store("postgresql://ann@/x")


def test_file_of_something_else(tmp_path: Path) -> None:
    """A file that is not a database is an error with its name."""
    file = tmp_path / "store"
    file.write_bytes(b"no database at all, but text of some length" * 100)
    with pytest.raises(StoreError, match="store cannot be opened: file is not a database"):
        open_store(f"sqlite:///{file}")
    assert file.read_bytes().startswith(b"no database")


def test_answers_are_kept(store: Store) -> None:
    """The pages of an answer are there until there are too many younger ones."""
    store.remember("old", [b"first", b"second"])
    assert [store.recall("old", page) for page in range(3)] == [b"first", b"second", None]
    store.remember("old", [b"new"])
    assert [store.recall("old", page) for page in range(2)] == [b"new", None]
    for number in range(KEPT_ANSWERS):
        store.remember(f"young-{number}", [b"x"])
    assert tuple(store.recall(n, 0) for n in ("old", "young-0", "never")) == (None, b"x", None)


def test_answers_of_all_sizes() -> None:
    """The newest answer is kept even if it is too large; then no other is."""
    assert answers_to_drop({"new": KEPT_BYTES + 1}) == []
    assert answers_to_drop({"new": KEPT_BYTES, "old": 1}) == ["old"]
    assert answers_to_drop({"new": KEPT_BYTES - 1, "old": 1}) == []


def test_worker_that_is_killed_while_it_writes(tmp_path: Path) -> None:
    """A row beyond the position in the folder's head does not count; the next row replaces it."""
    store = open_store(f"folder:{tmp_path}")
    store.append(ROW)
    log = tmp_path / "log-1"
    whole = log.read_bytes()
    log.write_bytes(whole + whole[: len(whole) // 2])
    assert ids(store) == [(1, 1)]
    other = open_store(f"folder:{tmp_path}")
    other.append(ROW._replace(head=b"other"))
    assert [row.head for row in store.rows([2])] == [b"other"]
    assert ids(store) == [(1, 1), (2, 2)]
    store.close()
    other.close()


def test_no_room_for_a_row(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that cannot be written whole is an error, and the log is as it was."""
    if type(store).__name__ != "FolderStore":
        return
    store.append(ROW)
    monkeypatch.setattr("os.pwrite", lambda _file, data, _place: len(data) - 1)
    with pytest.raises(OSError, match="the disk is full"):
        store.append(ROW)
    monkeypatch.undo()
    store.append(ROW)
    assert ids(store) == [(1, 1), (2, 2)]


def test_full_while_dropping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is stored is said to be, even if older ones cannot be dropped then."""
    store = open_store(url("folder", tmp_path), 10)
    written: list[int] = []

    def full(file: int, data: bytes, place: int) -> int:
        written.append(len(data))
        return os_pwrite(file, data, place) if len(written) <= 11 else 0

    os_pwrite = os.pwrite
    monkeypatch.setattr("os.pwrite", full)
    # Without a second name for the file, the rows that are kept are copied.
    monkeypatch.setattr(log_file.LogFile, "link", lambda *_: False)
    assert [store.append(ROW) for _ in range(11)] == [True] * 11
    assert (len(ids(store)), len(written)) == (11, 12)
    assert [each.name for each in (tmp_path / "log").glob("log-*")] == ["log-1"]
    monkeypatch.undo()
    store.append(ROW)
    assert len(ids(store)) == 9


@pytest.mark.parametrize("head", [b"no head at all" * 20, b"mock-mixpanel 2\n"])
def test_folder_of_something_else(tmp_path: Path, head: bytes) -> None:
    """A folder whose head is of another kind is an error that names it, and stays as it is."""
    (tmp_path / "head").write_bytes(head)
    with pytest.raises(StoreError, match=r"is not a store of this version; use another"):
        open_store(f"folder:{tmp_path}")
    assert head == (tmp_path / "head").read_bytes()


def test_folder_with_other_files(tmp_path: Path) -> None:
    """A folder with foreign files is refused and not changed."""
    (tmp_path / "mine").touch()
    with pytest.raises(StoreError, match=r"holds files of another program; use another folder"):
        open_store(f"folder:{tmp_path}")
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    """A folder that cannot be made, or that is not named, is an error that says so."""
    with pytest.raises(StoreError, match=r"no/where cannot be opened: No such file"):
        open_store(f"folder:{tmp_path}/no/where")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file is a file; the store folder: needs a folder"):
        open_store(f"folder:{tmp_path}/file")
    with pytest.raises(StoreError, match=r"folder: needs a path, as in folder:mock"):
        open_store("folder:")


def test_a_folder_has_nothing_else(tmp_path: Path) -> None:
    """What does not count any more is removed, however often it changes at once."""
    store = open_store(url("folder", tmp_path))
    with store.exclusive():
        for value in (b"1", b"2", b"3"):
            store.put("a", value)
        store.forget(None)
        store.forget(None)
    store.close()
    names = sorted(each.name for each in (tmp_path / "log").iterdir())
    assert names == ["answers", "head", "log-3", "settings-1"]


def test_files_that_a_killed_worker_left(tmp_path: Path) -> None:
    """Outdated files that a worker did not remove are removed with the next ones; no others are."""
    store = open_store(url("folder", tmp_path))
    store.forget(None)
    folder = tmp_path / "log"
    for name in ("log-1", "settings-0", "log-9", "log-copy"):
        (folder / name).write_bytes(b"x")
    store.forget(None)
    with store.exclusive():
        store.put("a", b"x" * SETTINGS_SLACK)
    store.close()
    names = sorted(each.name for each in folder.iterdir())
    assert names == ["answers", "head", "log-3", "log-9", "log-copy", "settings-2"]


def test_checksum_of_a_head() -> None:
    """The checksum in the head of a folder store stays the same, so that old stores can be read."""
    head = Head(3, 1, 2**40, 7, 19, 1, 1, 0, 12)
    written = b"(5, 3, 1, 1099511627776, 7, 19, 1, 1, 0, 12)"
    assert head.packed(5)[-4:] == struct.pack("<I", crc32(written))


def test_a_folder_drops_old_rows_without_writing_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows stay in the file until half of it is dropped; then bytes are copied as they are."""
    monkeypatch.setattr(log_file, "COPIED_AT_ONCE", 7)
    store, size = open_store(f"folder:{tmp_path}/log"), []
    for _ in range(5):
        store.append(ROW)
    with monkeypatch.context() as patch:
        patch.setattr(log_file.LogFile, "write", None)
        for entry, kept in ((3, [3, 4, 5]), (4, [4, 5]), (99, [5])):
            store.drop(entry)
            assert [row.first for row in store.page(None, 0).rows] == kept
            with closing(open_store(f"folder:{tmp_path}/log")) as other:
                assert [row.first for row in other.page(None, 0).rows] == kept
            [file] = (tmp_path / "log").glob("log-*")
            size.append(file.stat().st_size)
    assert (size[0], size[1]) == (5 * size[2], 2 * size[2])
    store.append(ROW)
    assert [row.id for row in store.page(None, 0).rows] == [5, 6]
    store.forget("nobody")
    assert [row.id for row in store.page(None, 0).rows] == [5, 6]
    store.close()

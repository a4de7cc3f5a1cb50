"""Answers to readers, page by page, as files."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

from mock_mixpanel.log.stores import answers_to_drop


class AnswerFiles:
    """A folder for each answer, with a file for each page; the newest has the highest number."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    def put(self, name: str, pages: Sequence[bytes]) -> None:
        """Keep an answer in place of older ones."""
        there = self._by_age()
        number = int(there[0].name.partition("-")[0]) + 1 if there else 1
        key = _key(name)
        new = self._folder / f"{number}-{key}"
        new.mkdir(mode=0o700)
        for page, value in enumerate(pages):
            path = new / str(page)
            path.touch(mode=0o600)
            path.write_bytes(value)
        sizes = {each.name: _size(each) for each in self._by_age()}
        same = (each.name for each in there if each.name.endswith(key))
        for old in {*answers_to_drop(sizes), *same}:
            rmtree(self._folder / old)

    def get(self, name: str, page: int) -> bytes | None:
        """A page of an answer, if it is kept."""
        key = _key(name)
        files = (each / str(page) for each in self._by_age() if each.name.endswith(key))
        return next((file.read_bytes() for file in files if file.exists()), None)

    def _by_age(self) -> list[Path]:
        """The newest first."""
        return sorted(self._folder.iterdir(), key=lambda each: -int(each.name.partition("-")[0]))


def _key(name: str) -> str:
    """A name of a file for any name."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())

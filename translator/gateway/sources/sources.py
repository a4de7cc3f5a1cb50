"""The sources by write key, with their settings; read again while the gateway runs."""

import base64
import hashlib
import logging
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from translator.core.errors import SettingsError
from translator.core.settings import Settings
from translator.gateway.sources.pipeline import Pipeline
from translator.options import read_object
from translator.sender.books.spool_database import SpoolError
from translator.sender.http.destination_guard import DestinationError
from translator.sender.logs import LogEvent
from translator.sender.redaction import Redactor

log = logging.getLogger("translator.gateway")


class SourcesError(ValueError):
    """The file of sources cannot be used; the text says why and what to do."""


def source_name(write_key: str) -> str:
    """A name for a source that does not reveal its write key: the start of a hash."""
    return hashlib.blake2b(write_key.encode(), digest_size=4).hexdigest()


class Sources:
    """Pipelines by write key.

    `default` takes the calls with a key of `write_keys`, or of every key that has no source of its
    own if there are no `write_keys`. `file` is a JSON or YAML object whose members are write keys;
    each value is an object of destination settings, or the path of a file with one, relative to the
    file. `make` opens a pipeline with a name and settings, and `start` starts it.
    """

    def __init__(
        self,
        default: Pipeline | None,
        *,
        write_keys: Collection[str] = (),
        file: Path | None = None,
        make: Callable[[str, Settings], Pipeline] | None = None,
        start: Callable[[Pipeline], object] = Pipeline.start,
    ) -> None:
        self._default = default
        self._write_keys = frozenset(write_keys)
        self._file = file
        self._make = make
        self._start = start
        self._by_key: dict[str, Pipeline] = {}
        self._all: dict[str, Pipeline] = {}
        self._settings: list[Settings] = []
        self._stamps: dict[Path, object] = {}
        self._redact: Callable[[str], str] = str

    @property
    def pipelines(self) -> list[Pipeline]:
        """All pipelines, also of keys that are no longer in the file: they may still deliver."""
        return ([self._default] if self._default else []) + list(self._all.values())

    @property
    def only(self) -> Pipeline | None:
        """The pipeline of calls with any key; None if the key decides."""
        return self._default if self.takes_every_key and not self._by_key else None

    @property
    def takes_every_key(self) -> bool:
        """Whether calls without a write key are taken too."""
        return self._default is not None and not self._write_keys

    def find(self, write_key: str) -> Pipeline | None:
        """The pipeline of a write key; None if the key is not known."""
        found = self._by_key.get(write_key)
        if found is None and (self.takes_every_key or write_key in self._write_keys):
            return self._default
        return found

    def load(self) -> None:
        """Read the file, and use all of it. Raises SourcesError, and then nothing has changed."""
        if self._file is None:
            return
        self._stamps = _stamps([self._file, *self._stamps])
        settings, files = read_sources(self._file)
        self._stamps = _stamps([self._file, *files])
        opened = self._open_new(settings)
        for name, pipeline in opened.items():
            self._start(pipeline)
            self._all[name] = pipeline
        by_key: dict[str, Pipeline] = {}
        for write_key, each in settings.items():
            by_key[write_key] = self._all[source_name(write_key)]
            by_key[write_key].change(each)
        self._by_key = by_key
        self._settings = list(settings.values())
        hidden = [*settings, *(each.apiSecret for each in self._settings)]
        self._redact = Redactor(hidden, [each.token for each in self._settings])

    def reload(self, *, always: bool = False) -> bool:
        """Read the file again if it, or a file of settings, has changed; whether it was read.

        A file that cannot be used is logged, and the sources stay as they are.
        """
        if self._file is None or not (always or _stamps(self._stamps) != self._stamps):
            return False
        try:
            self.load()
        except SourcesError as error:
            log.error(LogEvent("sources_not_reloaded", reason=str(error)))
            return False
        log.warning(LogEvent("sources_reloaded", sources=len(self._by_key)))
        return True

    def redact(self, text: str) -> str:
        """A text without the secrets of the file."""
        return self._redact(text)

    def _open_new(self, settings: Mapping[str, Settings]) -> dict[str, Pipeline]:
        """Open the pipelines of new sources, and check the settings of the others.

        Raises SourcesError if that is not possible for one of them; then none is open.
        """
        assert self._make is not None, "with a file there is a maker"
        opened: dict[str, Pipeline] = {}
        for place, (write_key, each) in enumerate(settings.items(), 1):
            name = source_name(write_key)
            try:
                if name in self._all:
                    self._all[name].check(each)
                else:
                    opened[name] = self._make(name, each)
            except (DestinationError, SpoolError, OSError) as error:
                for pipeline in opened.values():
                    pipeline.close()
                text = f"{self._file}: source {place} ({name}) cannot be opened: {error}"
                raise SourcesError(text) from error
        return opened


def read_sources(file: Path) -> tuple[Mapping[str, Settings], list[Path]]:
    """The settings by write key, and the files of settings that were read. Raises SourcesError.

    An error names a source by its place and never shows its write key.
    """
    found = _read(file)
    if not isinstance(found, dict) or not found:
        raise SourcesError(f"{file}: it must be an object: write key -> settings or their file")
    settings: dict[str, Settings] = {}
    files: list[Path] = []
    for place, (write_key, value) in enumerate(found.items(), 1):
        where = f"{file}: source {place}"
        if not isinstance(write_key, str) or not write_key:
            raise SourcesError(f"{where}: the write key must be text; put it in quotes")
        if isinstance(value, str):
            path = file.parent / value
            files.append(path)
            where, value = f"{where} ({path})", _read(path)
        try:
            settings[write_key] = Settings.from_json(value)
        except (SettingsError, TypeError, ValueError) as error:
            raise SourcesError(f"{where}: {error}") from error
    return settings, files


def _read(file: Path) -> Any:
    try:
        return read_object(file)
    except (ValueError, yaml.YAMLError, OSError) as error:
        raise SourcesError(f"{file}: {error}") from error


def _stamps(files: Any) -> dict[Path, object]:
    """A value for each file that differs once the file has changed."""
    found: dict[Path, object] = {}
    for file in files:
        try:
            status = file.stat()
            found[file] = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            found[file] = None
    return found


@lru_cache(1000)
def basic_user(authorization: str) -> str | None:
    """The user of Basic credentials; None without such credentials.

    Segment's SDKs send the write key as the user; some clients leave out the colon after it, or the
    padding of base64.
    """
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip() + "==").decode().partition(":")[0] or None
    except ValueError:
        return None

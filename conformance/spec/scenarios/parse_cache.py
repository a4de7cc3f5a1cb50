"""A cache of parsed and checked data files, so that a run does not read all YAML again.

The cache is one JSON file in the user's cache folder (`$XDG_CACHE_HOME/mockpanel`, else
`~/.cache/mockpanel`). Its name holds a hash of everything the content depends on, so a changed file
makes a new cache. A cache that cannot be read or written is ignored.
"""

import json
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

KEPT = 4
"""Maximum number of caches: one for each version of the files in use at the same time."""


def digest(parts: Iterable[bytes]) -> str:
    """A hash of all parts and of their lengths."""
    found = blake2b(digest_size=16)
    for part in parts:
        found.update(len(part).to_bytes(8))
        found.update(part)
    return found.hexdigest()


def folder() -> Path:
    """The folder of the caches, which may not exist yet. Raises RuntimeError without a home."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mockpanel"


def load(name: str, key: str) -> Any:
    """The value stored under the key, or None."""
    with suppress(OSError, ValueError, RuntimeError):
        return json.loads((folder() / f"{name}-{key}.json").read_text(encoding="utf-8"))
    return None


def store(name: str, key: str, value: Any) -> None:
    """Store a JSON value under the key; only the newest few caches of the name stay."""
    with suppress(OSError, RuntimeError):
        place = folder()
        place.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{name}-", dir=place)
        # A reader sees the whole file or none.
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(value, file, separators=(",", ":"))
        Path(temporary).replace(place / f"{name}-{key}.json")
        caches = sorted(place.glob(f"{name}-*.json"), key=lambda path: path.stat().st_mtime)
        for old in caches[:-KEPT]:
            old.unlink(missing_ok=True)

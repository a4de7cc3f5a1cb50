"""Finds renamed keys: a removed and an added key of one object with the same value."""

import re
from collections.abc import Hashable
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from conformance.regression.json_text import sort_key
from conformance.spec.scenarios.loading import Json

_SIMILAR_NAMES = 0.6
"""Likeness (0 to 1) of two names that count as one, where the value alone proves nothing."""

_MOST_CANDIDATES = 16
"""Maximum number of added keys with one value that are tried for a removed key."""


def renamed_keys(removed: Json, added: Json) -> list[tuple[str, str]]:
    """The pairs of a removed and an added key that are one property under two names.

    The value must be the same. If several removed or added keys have it, or a value such as null or
    true, the names must be alike too; the most alike names are paired first. If that leaves one
    removed and one added key of a value, they are a pair. One message is weak evidence: counts.py
    keeps a rename only if the whole corpus agrees.
    """
    before, after = _by_value(removed), _by_value(added)
    candidates = []
    for value, keys in before.items():
        others = after.get(value, ())
        unique = len(keys) == len(others) == 1 and not _proves_little(removed[keys[0]])
        for other in others[:_MOST_CANDIDATES]:
            for key in keys:
                alike = _likeness(key, other)
                if unique or alike >= _SIMILAR_NAMES:
                    candidates.append((-alike, key, other))
    if not candidates:
        return []
    pairs: dict[str, str] = {}
    for _, key, other in sorted(candidates):
        if key not in pairs and other not in pairs.values():
            pairs[key] = other
    for value, keys in before.items():
        left = [key for key in keys if key not in pairs]
        if len(left) == 1 < len(keys) and not _proves_little(removed[left[0]]):
            taken = set(pairs.values())
            others = [other for other in after.get(value, ()) if other not in taken]
            if len(others) == 1:
                pairs[left[0]] = others[0]
    return list(pairs.items())


def _by_value(properties: Json) -> dict[Hashable, list[str]]:
    """The keys of equal JSON values together."""
    found: dict[Hashable, list[str]] = {}
    for key, value in properties.items():
        # Most values are text; the tuple keeps others apart from it.
        same = value if type(value) is str else (sort_key(value),)
        found.setdefault(same, []).append(key)
    return found


@lru_cache(maxsize=4096)
def _likeness(key: str, other: str) -> float:
    """The similarity of two names, from 0 to 1; cached, because a corpus repeats the same pairs."""
    return SequenceMatcher(None, _bare(key), _bare(other), autojunk=False).ratio()


def _bare(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _proves_little(value: Any) -> bool:
    """Whether two properties often have this value by coincidence."""
    return value is None or type(value) is bool or value in ("", [], {}) or value in (0, 1)

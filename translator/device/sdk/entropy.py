"""Deterministic ids in the form of random ones: a seed gives the same sequence each time."""

import hashlib
from itertools import count
from uuid import UUID

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Entropy:
    """The source of the SDK model's ids. Two seeds model two browsers."""

    def __init__(self, seed: str = "") -> None:
        self._seed = seed
        self._count = count()

    def _bytes(self) -> bytes:
        return hashlib.sha256(f"{self._seed}:{next(self._count)}".encode()).digest()

    def uuid(self) -> str:
        """A UUID of version 4."""
        return str(UUID(bytes=self._bytes()[:16], version=4))

    def insert_id(self) -> str:
        """Sixteen characters of `[0-9a-z]`."""
        return "".join(_DIGITS[byte % 36] for byte in self._bytes()[:16])

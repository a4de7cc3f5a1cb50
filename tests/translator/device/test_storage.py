"""The cookies that a browser stores."""

import pytest

from translator.device.sdk.browser import Browser
from translator.device.sdk.storage import COOKIE_BYTES, Cookie, Storage


@pytest.mark.parametrize(
    ("character", "encoded_bytes"), [("a", 1), ('"', 3), ("é", 6), ("€", 9), ("😀", 12)]
)
def test_the_largest_cookie(character: str, encoded_bytes: int) -> None:
    """A cookie of 4096 bytes with its percent-encoded value is stored, one of 4097 is not."""
    fitting = (COOKIE_BYTES - len("mp_t")) // encoded_bytes
    rest = (COOKIE_BYTES - len("mp_t")) % encoded_bytes
    stored = {}
    for extra in (0, 1):
        storage = Storage()
        value = character * fitting + "a" * (rest + extra)
        storage.set_cookie(Cookie("mp_t", value, "example.com", False, 365), Browser())
        stored[extra] = "mp_t" in storage.cookies
    assert stored == {0: True, 1: False}

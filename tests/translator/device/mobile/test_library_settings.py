"""Settings as the mobile libraries read them."""

from typing import Any

import pytest

from translator import Rules, Session
from translator.device.mobile.library_settings import library_settings


def read(mode: str, **values: Any) -> Any:
    settings = library_settings(mode, {"token": "T", **values})
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((True, True), ("TRUE", True), ("yes", False), ("", False)),
        *((0, True), (1, True), (None, True), ([], True)),
    ],
)
def test_an_android_flag_that_is_on_by_default(value: Any, expected: bool) -> None:
    """Text is a flag, and any other value than text or boolean is the default."""
    settings = read("android", setAllTraitsByDefault=value)
    session = Session(settings=settings, mode="android", rules=Rules.observed())
    message = {"type": "identify", "userId": "u", "traits": {"a": 1}}
    calls = session.deliver(message).result.calls or ()
    assert [call.method for call in calls] == ["identify", *["registerSuperProperties"] * expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", "b"], ("a", "b")),
        (["a", 5], ()),
        (["a", True], ()),
        (["a", None], ("a", None)),
        ("a", ()),
        (None, ()),
    ],
)
def test_an_android_list(value: Any, expected: tuple[str | None, ...]) -> None:
    """An element of another type empties the list; null does not."""
    assert read("android", superProperties=value).superProperties == expected


def test_a_null_name_matches_nothing() -> None:
    """Lists with a null name work like lists without it, under both rule sets."""
    names = ["E", None]
    settings = read("android", people=True, increments=names, eventIncrements=names)
    for rules in (Rules.observed(), Rules.documented()):
        session = Session(settings=settings, mode="android", rules=rules)
        calls = session.deliver({"type": "track", "event": "E"}).result.calls or ()
        assert [call.method for call in calls] == ["track", "people.increment", "people.set"]


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), (1, True), (0, False), ("YES", True), (None, True)]
)
def test_an_ios_flag(value: Any, expected: bool) -> None:
    """Flags are read by their truth; a null one is left out, so that the default applies."""
    assert read("ios", people=value).people is expected


@pytest.mark.parametrize(("mode", "created"), [("android", False), ("ios", True)])
def test_empty_settings(mode: str, created: bool) -> None:
    """Android does not create the integration for empty settings."""
    assert (library_settings(mode, {}) is not None) is created


def test_unknown_keys_are_left_out() -> None:
    """What the destination does not know is not read."""
    assert read("ios", nameTag=True).given == frozenset({"token"})

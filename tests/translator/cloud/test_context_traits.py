from typing import Any

import pytest

from tests.translator.messages import run


@pytest.mark.parametrize(
    ("call", "settings"),
    [
        ({"type": "identify", "userId": "u"}, {"people": True}),
        (
            {"type": "group", "userId": "u", "traits": {"company": "c"}},
            {"groupIdentifierTraits": ["company"]},
        ),
    ],
)
def test_traits_of_the_context_that_a_profile_does_not_get_are_reported(
    call: dict[str, Any], settings: dict[str, Any]
) -> None:
    """The reason names the traits that the call itself does not have."""
    message = {**call, "context": {"traits": {"email": "a@b.c", "plan": None}}}
    [reason] = run(message, **settings).skipped
    assert reason.code == "context_traits_not_used"
    assert reason.reason.startswith("context.traits email are not used")


def test_traits_that_the_call_repeats_are_not_reported() -> None:
    """A client that writes the same traits into both places loses nothing."""
    traits = {"email": "a@b.c", "tags": ["x"]}
    message = {"type": "identify", "userId": "u", "traits": traits, "context": {"traits": traits}}
    assert run(message, people=True).skipped == ()


@pytest.mark.parametrize(
    ("traits", "context", "names"),
    [
        ({"email": "a@b.c"}, None, "email"),
        (None, {"email": "a@b.c", "plan": None}, "email"),
        ({"plan": "pro"}, {"email": "a@b.c", "plan": "pro"}, "email, plan"),
    ],
)
def test_traits_of_an_alias(traits: Any, context: Any, names: str) -> None:
    """An alias sends no traits, and says so."""
    call = {"type": "alias", "userId": "u", "previousId": "a", "traits": traits}
    [reason] = run({**call, "context": {"traits": context}}).skipped
    assert (reason.code, reason.reason) == (
        "traits_not_used",
        f"traits {names} are not sent: alias calls send no traits",
    )


def test_an_alias_without_traits() -> None:
    """Nothing is reported of an alias whose traits are absent, empty or null."""
    call = {"type": "alias", "userId": "u", "previousId": "a", "traits": {"plan": None}}
    assert run({**call, "context": {"traits": {}}}).skipped == ()

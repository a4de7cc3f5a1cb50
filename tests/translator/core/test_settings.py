from typing import Any

import pytest

from translator import Settings, SettingsError


def test_defaults_are_those_of_the_docs_table() -> None:
    """Nothing but the token is required; the doc's settings table gives the rest."""
    settings = Settings.from_json({"token": "T"})
    assert settings.people is True
    assert settings.consolidatedPageCalls is False
    assert settings.setAllTraitsByDefault is True
    assert settings.crossSubdomainCookie is True
    assert settings.secureCookie is False
    assert settings.persistence == "cookie"
    assert settings.enableEuropeanUnionEndpoint is False
    assert settings.eventIncrements == ()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "setting 'token' is required: give the token of the project"),
        ({"token": ""}, "setting 'token' is required: give the token of the project"),
        ({"token": " "}, "setting 'token' is required: give the token of the project"),
        ({"token": "T\udc00"}, "setting token has a lone surrogate; send valid Unicode text"),
        ({"token": "T", "eventIncrements": ["\udc00"]}, "eventIncrements[0] has a lone surrogate"),
        ({"token": "T", "projectId": 2**64}, "projectId is a whole number of more than 64 bits"),
        ({"token": None}, "setting 'token' must be text, not null"),
        ({"token": ["secret"]}, "setting 'token' must be text, not a list"),
        ({"token": "T", "apiSecret": 5}, "setting 'apiSecret' must be text, not a number"),
        ({"token": "T", "people": "yes"}, "must be true or false, not text: 'yes'"),
        ({"token": "T", "people": 1}, "must be true or false, not a number: 1"),
        ({"token": "T", "projectId": True}, "must be text or a whole number, not a boolean"),
        ({"token": "T", "eventIncrements": "A"}, "must be a list of texts, not text: 'A'"),
        ({"token": "T", "eventIncrements": [None]}, "must be a list of texts, not a list"),
        ({"token": "T", "persistence": "tape"}, "must be cookie or localStorage, not text: 'tape'"),
        ({"token": "T", "peple": True}, "unknown setting 'peple'; did you mean 'people'?"),
        ({"token": "T", "enableEuropeanUnionEndpoints": True}, "'enableEuropeanUnionEndpoint'?"),
        ({"token": "T", 5: True}, "unknown setting 5; known: token, apiSecret"),
        ([], "settings must be an object, not a list"),
        ("T", "settings must be an object, not text"),
        (None, "settings must be an object, not null"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(values: Any, text: str) -> None:
    """An unknown key or a value of the wrong type is an error that names the key."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_json(values)
    assert text in str(caught.value)


def test_secrets_are_not_shown() -> None:
    """An error about a secret says its type only."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_json({"token": "T", "apiSecret": ["hush-hush"]})
    assert "hush" not in str(caught.value)


def test_numbers_in_lists_are_read_as_text() -> None:
    """Event names are compared as text."""
    assert Settings.from_json({"token": "T", "eventIncrements": [404]}).eventIncrements == ("404",)

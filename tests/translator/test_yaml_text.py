"""YAML as this project reads it, by either of PyYAML's parsers."""

from pathlib import Path

import pytest

from translator.options import read_object
from translator.yaml_text import YamlTextError, parse_yaml


def test_only_json_scalars_are_converted() -> None:
    """Dates, times and words that YAML 1.1 converts stay text."""
    text = "{at: 2026-06-15T12:00:00Z, time: 12:34, word: no, n: 1.5e3, yes: true, none: ~}"
    assert parse_yaml(text) == {
        "at": "2026-06-15T12:00:00Z",
        "time": "12:34",
        "word": "no",
        "n": 1500.0,
        "yes": True,
        "none": None,
    }


def test_a_lone_surrogate_is_read() -> None:
    """The fast parser refuses the escape; the value is read all the same."""
    assert parse_yaml(r'"\ud800"') == "\ud800"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2", "line 2, column 1: the key 'a' appears twice"),
        (
            "a:\n\t- b",
            "line 2, column 1: not valid YAML: found character '\\t' that cannot start any token",
        ),
        (
            "{}\n{}",
            "line 2, column 1: not valid YAML: a second value begins here, and a file has one",
        ),
        ("1: a", "line 1, column 1: the key '1' is not text; put it in quotes"),
        ("[" * 100_000, "lists and objects are nested too deeply"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, problem: str) -> None:
    """The words do not depend on which parser is there."""
    with pytest.raises(YamlTextError) as caught:
        parse_yaml(text)
    assert str(caught.value) == problem


@pytest.mark.parametrize("name", ["settings.json", "settings.yaml"])
def test_a_setting_that_is_there_twice_is_refused(name: str, tmp_path: Path) -> None:
    """Neither JSON nor YAML settings let the last of two values win in silence."""
    file = tmp_path / name
    file.write_text('{"token": "T", "token": "U"}')
    with pytest.raises(ValueError, match="the key 'token' appears twice"):
        read_object(file)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """The error names the first byte that is not UTF-8."""
    file = tmp_path / "settings.json"
    file.write_text('{"token": "\N{LATIN SMALL LETTER E WITH ACUTE}"}', encoding="latin-1")
    with pytest.raises(ValueError, match="byte 12 is not UTF-8; save the file as UTF-8"):
        read_object(file)

import re
from pathlib import Path

import pytest

import translator
from translator.core.rules import RULES, Rules
from translator.device.compiled_settings import DEFAULTS


def test_every_rule_is_asked_for_by_the_code() -> None:
    """A rule that nothing asks for would be a claim without behaviour."""
    package = Path(translator.__file__).parent
    code = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    asked = set(re.findall(r'doc\["(\w+)"\]', code)) | {row.rule for row in DEFAULTS}
    assert asked == {rule.name for rule in RULES}


def test_no_code_branches_on_the_name_of_a_rule_set() -> None:
    """Only the command line, which takes the name, and the docs know it."""
    package = Path(translator.__file__).parent
    for path in package.rglob("*.py"):
        if path.name not in ("options.py", "rules.py", "reference.py", "__init__.py"):
            assert not re.search(r"""["']observed["']|\.observed\(""", path.read_text("utf-8")), (
                path
            )


def test_rules_are_values() -> None:
    """Two equal sets are one; following every rule one by one is following the doc."""
    rules = Rules.observed()
    for rule in RULES:
        assert not rules.follows_doc(rule.name)
        rules = rules.following(rule.name)
    assert rules == Rules.documented()
    assert hash(rules) == hash(Rules.documented())


def test_an_unknown_rule_is_an_error() -> None:
    """A misspelt rule is found at once."""
    with pytest.raises(ValueError, match="unknown rule 'arays'"):
        Rules.observed().following("arays")
    with pytest.raises(KeyError):
        Rules.observed().follows_doc("arays")

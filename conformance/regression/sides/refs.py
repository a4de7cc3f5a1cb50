"""REF: what one side of a comparison is.

tree                     this installation's translator
rules:SET                the same under another rule set, or a mix: rules:observed+group_calls
settings:FILE            the same with these settings, in place of those of the corpus
mapping:FILE             the same with a mapping file
git:REV:PATH             the same with the mapping file at PATH in a revision of your repository
git:REV                  the translator in a revision of a clone of this project
exec:CMD                 any translator, behind a driver
"""

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.regression.sides.git import file_at
from conformance.spec.scenarios.loading import Json
from conformance.spec.yaml_text import YamlTextError, parse_yaml
from conformance.targets.target import RULE_SETS
from translator import MappingError, PropertyMap, Rules, Settings, SettingsError
from translator.core.properties.mapping import STANDARD
from translator.core.rules import RULES
from translator.suggestions import suggestion

KINDS = (
    *("tree", "rules:SET", "settings:FILE", "mapping:FILE", "git:REV:PATH", "git:REV"),
    "exec:CMD",
)

STAND_IN_SETTINGS: Json = {"token": "token", "apiSecret": "secret"}
"""Default settings. They have an API secret, so that old events can be translated."""


@dataclass(frozen=True)
class Ref:
    """One side of a comparison: its name, and how it differs from the tree.

    `rules` is a rule set or a mix, as `read_rules` takes it. `settings` is None where the settings
    of the corpus or the command line apply. `git` is a revision, `command` starts a driver.
    """

    name: str
    rules: str
    mapping: PropertyMap = STANDARD
    settings: Json | None = None
    git: str | None = None
    command: str | None = None


def parse_ref(name: str, *, rules: str = "documented") -> Ref:
    """The side that a REF names; `rules` apply if the REF has no rules.

    Raises UsageError for an unknown REF and for a file that cannot be used.
    """
    kind, _, rest = name.partition(":")
    if name == "tree":
        return Ref(name, rules)
    if kind not in ("rules", "settings", "mapping", "git", "exec") or not rest:
        near = difflib.get_close_matches(kind, [known.partition(":")[0] for known in KINDS], 1)
        hint = f"; did you mean {near[0]!r}?" if near and near[0] != kind else ""
        raise UsageError(f"{name!r} is not a REF; use one of {', '.join(KINDS)}{hint}")
    if kind == "rules":
        read_rules(rest, name)
        return Ref(name, rest)
    if kind == "settings":
        return Ref(name, rules, settings=read_settings(Path(rest)))
    if kind == "mapping":
        return Ref(name, rules, mapping=_mapping(_read(Path(rest)), rest))
    if kind == "git":
        revision, colon, path = rest.partition(":")
        if not colon:
            return Ref(name, rules, git=rest)
        values = _parsed(file_at(revision, path, ref=name), path, name)
        return Ref(name, rules, mapping=_mapping(values, name))
    return Ref(name, rules, command=rest)


def read_rules(text: str, where: str) -> Rules:
    """A rule set, or a mix: `observed+group_calls` follows the doc in that rule too.

    `documented-page_events` follows the classic integration in that rule. Raises UsageError, which
    begins with `where`, for an unknown set or rule.
    """
    name, *changes = re.split(r"([+-])", text)
    if name not in RULE_SETS:
        raise UsageError(f"{where}: the rule sets are {', '.join(RULE_SETS)}, not {name!r}")
    rules = RULE_SETS[name]()
    for sign, rule in zip(changes[::2], changes[1::2], strict=True):
        known = [each.name for each in RULES]
        if rule not in known:
            raise UsageError(f"{where}: there is no rule {rule!r}{suggestion(rule, known)}")
        followed = {each for each in known if rules.follows_doc(each)}
        rules = Rules(frozenset(followed | {rule} if sign == "+" else followed - {rule}))
    return rules


def read_settings(path: Path) -> Json:
    """The settings in a JSON or YAML file. Raises UsageError for what the translator refuses."""
    values = _read(path)
    try:
        Settings.from_json(values)
    except SettingsError as error:
        raise UsageError(f"{path}: {error}") from error
    return dict(values)


def _mapping(values: Any, where: str) -> PropertyMap:
    try:
        return PropertyMap.from_json(values)
    except MappingError as error:
        raise UsageError(f"{where}: {error}") from error


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error
    return _parsed(text, path.name, str(path))


def _parsed(text: str, name: str, where: str) -> Any:
    try:
        return json.loads(text) if name.endswith(".json") else parse_yaml(text)
    except (ValueError, RecursionError, YamlTextError) as error:
        raise UsageError(f"{where}: {error}") from error

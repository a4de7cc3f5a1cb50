"""REF: what one side of the comparison is.

tree                this installation's translator
rules:observed      the same under another rule set
settings:FILE       the same with these settings, in place of those of the corpus
mapping:FILE        the same with a mapping file
git:REV             the translator of a revision of the repository
exec:CMD            any translator, behind a driver
"""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.spec.loading import Json
from conformance.spec.yaml_text import YamlTextError, parse_yaml
from conformance.targets.target import RULE_SETS
from translator import MappingError, PropertyMap, Settings, SettingsError
from translator.core.mapping import STANDARD

KINDS = ("tree", "rules:SET", "settings:FILE", "mapping:FILE", "git:REV", "exec:CMD")

STAND_IN_SETTINGS: Json = {"token": "token", "apiSecret": "secret"}
"""The settings of who gives none. With a secret, so that old events are not all one error."""


@dataclass(frozen=True)
class Ref:
    """One side, as it was named, and in what it differs from the tree.

    `settings` are None where those of the corpus or of the command line count; `git` is a revision,
    `command` starts a driver.
    """

    name: str
    rules: str
    mapping: PropertyMap = STANDARD
    settings: Json | None = None
    git: str | None = None
    command: str | None = None


def parse_ref(name: str, *, rules: str = "documented") -> Ref:
    """The side that a REF names; `rules` are those where it names none.

    Raises UsageError for what there is not, and for a file that cannot be used.
    """
    kind, _, rest = name.partition(":")
    if name == "tree":
        return Ref(name, rules)
    if kind not in ("rules", "settings", "mapping", "git", "exec") or not rest:
        near = difflib.get_close_matches(kind, [known.partition(":")[0] for known in KINDS], 1)
        hint = f"; did you mean {near[0]!r}?" if near and near[0] != kind else ""
        raise UsageError(f"{name!r} is none of {', '.join(KINDS)}{hint}")
    if kind == "rules":
        if rest not in RULE_SETS:
            raise UsageError(f"{name}: the rule sets are {', '.join(RULE_SETS)}")
        return Ref(name, rest)
    if kind == "settings":
        return Ref(name, rules, settings=read_settings(Path(rest)))
    if kind == "mapping":
        return Ref(name, rules, mapping=_read_mapping(Path(rest)))
    return Ref(name, rules, git=rest) if kind == "git" else Ref(name, rules, command=rest)


def read_settings(path: Path) -> Json:
    """The settings in a JSON or YAML file. Raises UsageError for what the translator refuses."""
    values = _read(path)
    try:
        Settings.from_json(values)
    except SettingsError as error:
        raise UsageError(f"{path}: {error}") from error
    return dict(values)


def _read_mapping(path: Path) -> PropertyMap:
    try:
        return PropertyMap.from_json(_read(path))
    except MappingError as error:
        raise UsageError(f"{path}: {error}") from error


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text) if path.suffix == ".json" else parse_yaml(text)
    except (OSError, ValueError, YamlTextError) as error:
        raise UsageError(f"{path}: {error}") from error

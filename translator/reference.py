"""The reference page: the tables of the translator as Markdown."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields

from translator.core.errors import ERROR_CODES, SKIP_CODES
from translator.core.message_fields import CALL_FIELDS, ENVELOPE
from translator.core.properties.context_properties import (
    CAMPAIGN,
    DEVICE,
    DEVICE_BY_TYPE,
    EVENT_ONLY,
    Row,
)
from translator.core.properties.special_traits import SPECIAL_TRAITS
from translator.core.rules import RULES
from translator.core.settings import KINDS, Settings
from translator.engage.filters import OPERATORS


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def settings_table() -> str:
    """Every destination setting."""
    rows = [
        (
            f"`{row.name}`",
            row.metadata["title"],
            KINDS[row.type],
            "required" if row.name == "token" else f"`{_default(row.default)}`",
            row.metadata["about"],
        )
        for row in fields(Settings)
    ]
    return _table(("key", "title", "type", "default", "what it does"), rows)


def _default(value: object) -> str:
    return json.dumps(value)


def rules_table() -> str:
    """Every rule on which the doc and the classic integration differ."""
    rows = [
        (
            f"`{rule.name}`",
            rule.documented,
            rule.observed,
            f"{_source(rule.documented_source)}; {_source(rule.observed_source)}",
        )
        for rule in RULES
    ]
    return _table(("rule", "documented", "observed", "sources"), rows)


def _source(source: str) -> str:
    """A page of facts as a link from the reference; any other source unchanged."""
    facts = source.removeprefix("docs/facts/")
    return source if facts == source else f"[{facts}](../facts/{facts})"


def traits_table() -> str:
    """Every special trait."""
    rows = [
        (f"`{row.trait}`", f"`{row.property}`", "doc" if row.in_doc else "classic integration")
        for row in SPECIAL_TRAITS
    ]
    return _table(("trait", "property", "source"), rows)


def context_table() -> str:
    """Every property that comes from the context."""

    def rows(source: tuple[Row, ...], where: str) -> list[Sequence[str]]:
        return [(f"`context.{part}.{key}`", f"`{name}`", where) for name, part, key in source]

    found = rows(EVENT_ONLY, "events") + rows(DEVICE, "events and profiles")
    for kind, typed in DEVICE_BY_TYPE.items():
        found += rows(typed, f"events and profiles, device type {kind}")
    found += [(f"`context.campaign.{key}`", f"`{utm}`", "events") for key, utm in CAMPAIGN.items()]
    return _table(("source", "property", "where"), found)


def fields_table() -> str:
    """Every field of a message that its calls use, or that describes the call."""
    rows: list[Sequence[str]] = [
        (f"`{field}`", "every call", meaning) for field, meaning in ENVELOPE.items()
    ]
    for field in dict.fromkeys(field for used in CALL_FIELDS.values() for field in used):
        kinds = [kind for kind, used in CALL_FIELDS.items() if field in used]
        rows.append((f"`{field}`", ", ".join(kinds), "its data"))
    return _table(("field", "used by", "what it says"), rows)


def codes_table() -> str:
    """Every code of an error or a skip."""
    rows = [(f"`{row.code}`", kind, row.meaning) for kind, codes in _CODES for row in codes]
    return _table(("code", "kind", "meaning"), rows)


def filters_table() -> str:
    """Every operator of a condition on a property, in definitions of Engage."""
    rows = [(f"`{row.key}`", row.meaning) for row in OPERATORS]
    return _table(("operator", "holds for a property if"), rows)


_CODES = (("error", ERROR_CODES), ("skipped", SKIP_CODES))

SECTIONS: dict[str, tuple[str, str, Callable[[], str]]] = {
    "settings": (
        "Settings",
        "The keys of a settings file. They are Segment's own.",
        settings_table,
    ),
    "rules": (
        "Rules",
        "On these points Segment's documentation of the destination and the code of its classic "
        "integration disagree. `--rules documented` (the default) follows the documentation in all "
        "of them; `--rules observed` does what the code was seen to do. The first source is for "
        "the documented behaviour, the second for the observed behaviour.",
        rules_table,
    ),
    "traits": (
        "Special traits",
        "Traits that become Mixpanel's own properties, in any spelling of the trait.",
        traits_table,
    ),
    "context": (
        "Context properties",
        "Fields of `context` that become properties. [A mapping file](../how-to/mapping.md) can "
        "change them.",
        context_table,
    ),
    "fields": (
        "Fields of a message",
        "Fields that describe the call are sent in another form or left out without a report; so "
        "are all fields whose names begin with `_`, and fields of `context` that are not in the "
        "table above. Any other field with data is sent, or reported with a reason.",
        fields_table,
    ),
    "codes": (
        "Codes",
        "The codes of errors (the message is not translated) and skips (a part of the message is "
        "not sent). Codes are stable; the texts of reasons may change.",
        codes_table,
    ),
    "filters": (
        "Conditions on properties",
        "The operators of `where` in [definitions of Engage](../how-to/engage.md).",
        filters_table,
    ),
}
"""Name -> title, introduction and table."""


def section(name: str) -> str:
    """One table under its title."""
    title, introduction, table = SECTIONS[name]
    return f"## {title}\n\n{introduction}\n\n{table()}"


def page() -> str:
    """The whole reference page."""
    intro = (
        "# Settings, rules and mapping\n\nGenerated from the tables in `translator/` by "
        "`mockpanel reference`; a test keeps it current.\n\n"
    )
    return intro + "\n".join(section(name) for name in SECTIONS)

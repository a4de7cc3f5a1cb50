"""The definitions file: computed traits and audiences, checked and compiled.

The form is `definitions.schema.json`; its terms are those of Segment's screens
(doc#using-engage-computed-traits-with-mixpanel, doc#using-engage-audiences-with-mixpanel).
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from translator.core.errors import TranslationError
from translator.core.operations import Json
from translator.core.schema import schema_mistakes
from translator.core.values.json_values import check
from translator.core.values.timestamps import parse
from translator.engage.filters import Filter
from translator.yaml_text import YamlTextError, parse_yaml

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

COUNTER = "event_counter"


class DefinitionsError(ValueError):
    """The definitions are invalid. The text names every mistake and its place."""


class EventRule(NamedTuple):
    """A track call with a name, whose properties satisfy the conditions."""

    event: str
    where: tuple[Filter, ...] = ()


class Condition(NamedTuple):
    """An event was performed a number of times within a number of days, then followed by another.

    `negated`: it was not performed. `days`: None for all history. `then`: the event that must, or
    must not, follow.
    """

    rule: EventRule
    negated: bool = False
    at_least: int = 1
    days: int | None = None
    then: EventRule | None = None
    then_negated: bool = False


class ComputedTrait(NamedTuple):
    """A value for each user. `days`: the lookback window, None for all history.

    `aggregated`: the aggregated property, None for a counter. `created_ms`: the time from which the
    value is sent (milliseconds since 1970), None for always.
    """

    key: str
    computation: str
    rule: EventRule
    aggregated: str | None = None
    days: int | None = None
    include_anonymous: bool = False
    created_ms: int | None = None

    @property
    def hourly(self) -> bool:
        """Whether it is updated hourly: it has a lookback window."""
        return self.days is not None


class Audience(NamedTuple):
    """The users for whom at least one condition of each group holds.

    `identify`, `track`: how it is sent. `created_ms` as for a computed trait.
    """

    key: str
    groups: tuple[tuple[Condition, ...], ...]
    identify: bool = True
    track: bool = False
    enter_event: str = "Audience Entered"
    exit_event: str = "Audience Exited"
    include_anonymous: bool = False
    created_ms: int | None = None

    @property
    def hourly(self) -> bool:
        """Whether it is updated hourly: one of its conditions has a window."""
        return any(condition.days is not None for group in self.groups for condition in group)


Definition = ComputedTrait | Audience


def key_of(name: str) -> str:
    """The property of a name: lower case, underscores for spaces."""
    return name.lower().replace(" ", "_")


def read_definitions(text: str) -> tuple[Definition, ...]:
    """The definitions in a YAML (or JSON) text. Raises `DefinitionsError`."""
    try:
        data = parse_yaml(text)
    except YamlTextError as error:
        raise DefinitionsError(str(error)) from None
    return definitions_from_json(data)


def definitions_from_json(data: Any) -> tuple[Definition, ...]:
    """The definitions in the JSON value of a definitions file. Raises `DefinitionsError`."""
    try:
        check(data)
    except TranslationError as error:
        raise DefinitionsError(str(error)) from None
    mistakes = list(schema_mistakes(_validator(), data, "the definitions"))
    mistakes = mistakes or list(_other_mistakes(data))
    if mistakes:
        raise DefinitionsError("\n".join(mistakes))
    traits = [_computed_trait(item) for item in data.get("computed_traits", ())]
    return (*traits, *(_audience(item) for item in data.get("audiences", ())))


@cache
def _validator() -> "Draft202012Validator":
    from jsonschema import Draft202012Validator

    text = files("translator.engage").joinpath("definitions.schema.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text))


def _other_mistakes(data: Json) -> Iterator[str]:
    keys: dict[str, str] = {}
    for section in ("computed_traits", "audiences"):
        for index, item in enumerate(data.get(section, ())):
            where = f"{section}[{index}]"
            key = key_of(item["name"])
            if key in keys:
                yield f"{where}: its key {key!r} is that of {keys[key]} too; keys must differ"
            keys[key] = where
            if "created_at" in item and parse(item["created_at"]) is None:
                yield f"{where}.created_at: {item['created_at']!r} is not an ISO 8601 time"
            problems = _trait_mistakes if section == "computed_traits" else _audience_mistakes
            yield from (f"{where}{problem}" for problem in problems(item))


def _trait_mistakes(item: Json) -> Iterator[str]:
    if (item["computation"] == COUNTER) is ("property" in item):
        verb = "takes no" if "property" in item else "needs a"
        yield f": the computation {item['computation']!r} {verb} 'property'"
    yield from _where_mistakes(item)


def _audience_mistakes(item: Json) -> Iterator[str]:
    if "track" not in item.get("send", ()):
        for key in item.keys() & {"enter_event", "exit_event"}:
            yield f".{key}: only track sends events; add it to 'send'"
    for index, member in enumerate(item["users_who"]):
        for inner, condition in enumerate(member.get("any", [member])):
            where = f".users_who[{index}]" + (f".any[{inner}]" if "any" in member else "")
            yield from (f"{where}{problem}" for problem in _condition_mistakes(condition))


def _condition_mistakes(condition: Json) -> Iterator[str]:
    for path, step in (("", condition), (".then", condition.get("then"))):
        if step is None:
            continue
        if ("performed" in step) is ("did_not_perform" in step):
            yield f"{path}: needs either 'performed' or 'did_not_perform'"
        yield from (f"{path}{problem}" for problem in _where_mistakes(step))
    if "then" in condition and "performed" not in condition:
        yield ".then: only what was performed can be followed by something"


def _where_mistakes(item: Json) -> Iterator[str]:
    for index, condition in enumerate(item.get("where", ())):
        for key in condition.keys() & {"before_date", "after_date"}:
            if parse(condition[key]) is None:
                yield f".where[{index}].{key}: {condition[key]!r} is not a date"


def _computed_trait(item: Json) -> ComputedTrait:
    return ComputedTrait(
        key=key_of(item["name"]),
        computation=item["computation"],
        rule=_event_rule(item["event"], item),
        aggregated=item.get("property"),
        days=item.get("lookback_days"),
        include_anonymous=item.get("include_anonymous", False),
        created_ms=parse(item.get("created_at")),
    )


def _audience(item: Json) -> Audience:
    send = item.get("send", ["identify"])
    return Audience(
        key=key_of(item["name"]),
        groups=tuple(
            tuple(_condition(condition) for condition in member.get("any", [member]))
            for member in item["users_who"]
        ),
        identify="identify" in send,
        track="track" in send,
        enter_event=item.get("enter_event", "Audience Entered"),
        exit_event=item.get("exit_event", "Audience Exited"),
        include_anonymous=item.get("include_anonymous", False),
        created_ms=parse(item.get("created_at")),
    )


def _condition(item: Json) -> Condition:
    negated = "did_not_perform" in item
    then: Json = item.get("then", {})
    return Condition(
        rule=_event_rule(item["did_not_perform" if negated else "performed"], item),
        negated=negated,
        at_least=item.get("at_least", 1),
        days=item.get("within_days"),
        then=_event_rule(then.get("performed") or then["did_not_perform"], then) if then else None,
        then_negated="did_not_perform" in then,
    )


def _event_rule(event: str, item: Json) -> EventRule:
    return EventRule(event, tuple(Filter.from_json(each) for each in item.get("where", ())))

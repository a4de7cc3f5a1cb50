"""Values that replace others of the same name, with the reason why those are not sent."""

from translator.core.errors import name_taken
from translator.core.operations import Json, Skip


def replace_values(kind: str, values: Json, others: Json) -> list[Skip]:
    """Add `others` to `values`; returns the reason why values that they replace are not sent.

    `kind` is what the replaced values are, such as `context.traits`.
    """
    if not others:
        return []
    replaced: list[str] = []
    if not values.keys().isdisjoint(others):
        replaced = [name for name, value in others.items() if values.get(name, value) != value]
    values.update(others)
    return [name_taken(kind, replaced)] if replaced else []

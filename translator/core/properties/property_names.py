"""The meaning of the names of a call's properties: the same for all calls with the same names.

Calls of one event have the same properties in the same order. So their names are looked up once,
and `CompiledSettings.property_names` keeps the result.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from translator.core.values.json_values import normalised


@dataclass(frozen=True, slots=True)  # its fields are read faster than those of a named tuple
class PropertyNames:
    """The meaning of a list of names, which are found in any spelling.

    `renamed` maps a name to Mixpanel's name; of several spellings the first is renamed. `revenue`
    and `total` are the first spellings of the two amounts that can be charged; `charged` says
    whether there is one of them. `contested` are the names in the event, after renaming, that a
    value of the context or a reserved property may have too.
    """

    renamed: Mapping[str, str]
    revenue: str | None
    total: str | None
    charged: bool
    contested: tuple[str, ...]


def property_names(
    names: tuple[str, ...], mixpanel_names: Mapping[str, str], others: Collection[str]
) -> PropertyNames:
    """The meaning of the names. `mixpanel_names`: normalised name -> Mixpanel's name.

    `others` are the names of properties that do not come from the call's properties.
    """
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(normalised(name), name)
    renamed: dict[str, str] = {}
    for name in names:
        new = mixpanel_names.get(normalised(name))
        if new is not None and new not in renamed.values():
            renamed[name] = new
    revenue, total = first.get("revenue"), first.get("total")
    charged = revenue is not None or total is not None
    sent = [renamed.get(name, name) for name in names]
    contested = tuple(name for name in dict.fromkeys(sent) if name in others)
    return PropertyNames(renamed, revenue, total, charged, contested)

"""The names of properties in the paths of changes."""

import orjson


def property_names(path: str, prefix: str) -> str:
    """The names of properties in a path: `payload.properties.plan` is `plan`."""
    return " -> ".join(_bare(place.removeprefix(prefix)) for place in path.split(" -> "))


def _bare(place: str) -> str:
    if place.startswith('["') and place.endswith('"]') and place.count('["') == 1:
        return str(orjson.loads(place)[0])
    return place.removeprefix(".")

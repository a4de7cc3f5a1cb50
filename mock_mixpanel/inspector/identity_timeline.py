"""Identity over time as a drawing: a lane for each id, a join where a link takes effect.

Idle time is left out: the columns are the moments at which something happened. The same is in the
tables beside the drawing, so it is hidden from screen readers.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from mock_mixpanel.inspector.wording import moment, visible

LANE, COLUMN, LEFT, TOP = 42, 150, 190, 34
"""Pixels: height of a lane, width of a column, and where both begin."""
MOST_LANES, MOST_COLUMNS = 40, 60
LONGEST_ID = 24
"""Characters of an id beside its lane."""


class TimelinePoint(NamedTuple):
    """A point of the drawing. `kind`: asked, linked, pending, refused, split; `other`: an id."""

    at: str
    kind: str
    who: str
    other: str = ""
    text: str = ""


class Timeline(NamedTuple):
    """The lanes (ids), the columns (ISO times) and what happened."""

    lanes: tuple[str, ...]
    columns: tuple[str, ...]
    points: tuple[TimelinePoint, ...]


def timeline(identity: Mapping[str, Sequence[Mapping[str, Any]]]) -> Timeline:
    """The drawing of what `identities` of the control API answers, in order of time."""
    found: list[TimelinePoint] = []
    lanes: dict[str, None] = {}
    for cluster in identity["clusters"]:
        lanes |= dict.fromkeys(cluster["ids"])
    for link in identity["links"]:
        alias, distinct_id = link["alias"], link["distinct_id"]
        lanes |= dict.fromkeys((distinct_id, alias))
        record = f"record {link['asked']['id']}"
        found.append(
            TimelinePoint(link["asked"]["received_at"], "asked", alias, distinct_id, record)
        )
        if link["status"] == "in_effect":
            found.append(TimelinePoint(link["due"], "linked", alias, distinct_id, "one person"))
        elif link["status"] == "pending":
            found.append(TimelinePoint(link["due"], "pending", alias, distinct_id, "due"))
        elif link["status"] == "refused":
            found.append(
                TimelinePoint(link["due"] or link["asked"]["received_at"], "refused", alias)
            )
    for split in identity["split_profiles"]:
        lanes |= dict.fromkeys((split["distinct_id"], split["alias"]))
        at_once: dict[str, list[int]] = {}
        for cause in split["causes"]:
            at_once.setdefault(cause["received_at"], []).append(cause["id"])
        for at, ids in at_once.items():
            text = f"record {ids[0]}" if len(ids) == 1 else f"{len(ids)} records from {ids[0]}"
            found.append(TimelinePoint(at, "split", split["alias"], text=text))
    found = sorted(found, key=lambda each: each.at)
    columns = tuple(dict.fromkeys(each.at for each in found))[:MOST_COLUMNS]
    shown = tuple(lanes)[:MOST_LANES]
    kept = [
        each
        for each in found
        if each.at in columns and each.who in shown and each.other in ("", *shown)
    ]
    return Timeline(shown, columns, tuple(kept))


def drawing(found: Timeline) -> Markup:
    """The drawing as SVG. Every text in it is escaped."""
    if not found.lanes or not found.columns:
        return Markup("")
    y = {who: TOP + LANE // 2 + place * LANE for place, who in enumerate(found.lanes)}
    x = {at: LEFT + COLUMN // 2 + place * COLUMN for place, at in enumerate(found.columns)}
    width = LEFT + COLUMN * len(found.columns) + 40
    height = TOP + LANE * len(found.lanes) + 10
    parts = [_text(x[at], 16, moment(at)[11:] or at, "when") for at in found.columns]
    for who in found.lanes:
        name = who if len(who) <= LONGEST_ID else f"{who[: LONGEST_ID - 1]}…"
        parts.append(_text(8, y[who] + 5, name, "who"))
        parts.append(_line(LEFT, y[who], width, y[who], "lane"))
    for each in found.points:
        parts += _drawn_point(each, x[each.at], y)
    return Markup(
        '<svg class="timeline" aria-hidden="true" width="{}" height="{}">{}</svg>'
    ).format(width, height, Markup("").join(parts))


def _drawn_point(each: TimelinePoint, x: int, y: Mapping[str, int]) -> list[Markup]:
    here = y[each.who]
    other = y.get(each.other, here)
    if each.kind == "split":
        return [_text(x + 8, here + 17, "✕", "split"), _text(x + 24, here + 16, each.text, "note")]
    if each.kind == "refused":
        return [_text(x - 6, here + 6, "⊘", "split")]
    dots = [_dot(x, here, each.kind), _dot(x, other, each.kind)]
    note = _text(x + 8, (here + other) // 2 + 4, each.text, "note")
    return [_line(x, here, x, other, each.kind), *dots, note]


def _text(x: int, y: int, text: str, kind: str) -> Markup:
    return Markup('<text x="{}" y="{}" class="{}">{}</text>').format(x, y, kind, visible(text))


def _line(x: int, y: int, to_x: int, to_y: int, kind: str) -> Markup:
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(
        x, y, to_x, to_y, kind
    )


def _dot(x: int, y: int, kind: str) -> Markup:
    return Markup('<circle cx="{}" cy="{}" r="5" class="{}"/>').format(x, y, kind)

"""A chart of the last minutes: accepted and rejected records, as an SVG with a table's content."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup

MINUTES = 30
WIDTH, HEIGHT, BAR = 600, 72, 16


def per_minute(summaries: Iterable[Mapping[str, Any]]) -> dict[int, tuple[int, int]]:
    """For each minute (since 1970) the records accepted and rejected, oldest first.

    The last `MINUTES` minutes up to the newest request.
    """
    good: Counter[int] = Counter()
    bad: Counter[int] = Counter()
    for each in summaries:
        minute = int(datetime.fromisoformat(each["received_at"]).timestamp() // 60)
        bad[minute] += each["rejected"]
        good[minute] += each["records"] - each["rejected"]
    if not good:
        return {}
    last = max(good)
    return {minute: (good[minute], bad[minute]) for minute in range(last - MINUTES + 1, last + 1)}


def chart(summaries: Iterable[Mapping[str, Any]]) -> Markup:
    """Bars of the last minutes, accepted above and rejected below the line.

    Only numbers go into it.
    """
    minutes = per_minute(summaries)
    highest = max((value for both in minutes.values() for value in both), default=0) or 1
    half = HEIGHT // 2
    bars = []
    for place, (good, bad) in enumerate(minutes.values()):
        x = place * WIDTH // MINUTES
        up, down = round(good / highest * (half - 4)), round(bad / highest * (half - 4))
        if good:
            bars.append(
                Markup('<rect class="good" x="{}" y="{}" width="{}" height="{}"/>').format(
                    x, half - max(up, 1), BAR, max(up, 1)
                )
            )
        if bad:
            bars.append(
                Markup('<rect class="bad" x="{}" y="{}" width="{}" height="{}"/>').format(
                    x, half + 1, BAR, max(down, 1)
                )
            )
    good = sum(value for value, _ in minutes.values())
    bad = sum(value for _, value in minutes.values())
    label = f"{good} records accepted and {bad} rejected in the last {MINUTES} minutes"
    return Markup(
        '<figure class="minutes"><svg role="img" viewBox="0 0 {} {}" aria-label="{}">'
        '<line x1="0" y1="{}" x2="{}" y2="{}"/>{}</svg><figcaption>{}: accepted above the line,'
        " rejected below.</figcaption></figure>"
    ).format(WIDTH, HEIGHT, label, half, WIDTH, half, Markup("").join(bars), label)

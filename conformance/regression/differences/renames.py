"""Which renames the whole corpus agrees on.

In one message a removed and an added property with the same value look like one property that was
renamed; for a person whose id is an e-mail address so do `$email`, removed, and `$user_id`, added.
They are one property only if, over the corpus, one hardly ever comes or goes without the other.
"""

from collections import Counter
from collections.abc import Iterable

from conformance.regression.differences.changes import ChangeClass

AGREEING_SHARE = 0.95
"""Of the messages that lose the old name, and of those that get the new one: share of renames."""


ARROW = " -> "
"""Stands between the names in the path of a rename. The path of many renames together has none."""


def one_to_one(changes: Iterable[tuple[ChangeClass, str, str, int]]) -> frozenset[tuple[str, str]]:
    """The operation and path (`old -> new`) of each rename that is one for the corpus.

    `changes` are the class, operation, path and number of messages of each group.
    """
    lost: Counter[tuple[str, str]] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    renamed: Counter[tuple[str, str]] = Counter()
    for kind, operation, path, messages in changes:
        if kind is ChangeClass.RENAMED:
            old, arrow, new = path.partition(ARROW)
            if not arrow:
                continue
            renamed[operation, path] += messages
            lost[operation, old] += messages
            found[operation, new] += messages
        elif kind is ChangeClass.REMOVED:
            lost[operation, path] += messages
        elif kind is ChangeClass.ADDED:
            found[operation, path] += messages
    kept = set()
    for (operation, path), messages in renamed.items():
        old, new = path.split(ARROW, 1)
        most = max(lost[operation, old], found[operation, new])
        if messages >= AGREEING_SHARE * most:
            kept.add((operation, path))
    return frozenset(kept)

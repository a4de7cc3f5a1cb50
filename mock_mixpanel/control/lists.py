"""Lists of the control API that are read backwards: newest first, by pages, with a search."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from time import thread_time
from typing import Any, NamedTuple

from mock_mixpanel.control.search import Search
from mock_mixpanel.control.search_terms import Subject

MOST_EXAMINED = 5000
"""Items that one page of a search looks at; the page says where to go on."""
PAGE = 100
"""Items of a page without `limit`."""
LARGEST_PAGE = 1000
EVERYTHING = Search()


@dataclass(frozen=True)
class Query:
    """The query parameters of a list.

    `after`, `moment` (virtual seconds) and `before` bound the items, `limit` counts them. `paged`:
    the answer is a page, newest first, with the place where the search stopped. Otherwise it is an
    array, oldest first. The search for a page takes at most `seconds` of processor time after the
    first item; the page has the items found by then. `history_before` bounds the history of a
    profile: the updates that apply before that of a record.
    """

    token: str | None = None
    region: str | None = None
    search: Search = EVERYTHING
    after: int = 0
    moment: float | None = None
    before: int | None = None
    limit: int | None = None
    paged: bool = False
    seconds: float = float("inf")
    history_before: int | None = None

    @property
    def backwards(self) -> bool:
        """Whether the list is read from its end."""
        return self.paged or self.limit is not None or self.before is not None


class Candidate(NamedTuple):
    """An item that a list may show; `at` is when it arrived (virtual seconds).

    A `value` of None is looked at but not shown.
    """

    id: int
    at: float
    value: Any


Subjects = Callable[[Any], Iterable[Subject]]
"""The searchable forms of a candidate's value; one of them has to match."""


def listed(query: Query, candidates: Iterator[Candidate], subjects: Subjects) -> list[Any]:
    """The values of a list, oldest first. The candidates come newest first."""
    most = query.limit
    found: list[Any] = []
    for each in candidates:
        if _is_past(query, each) or (most is not None and len(found) >= most):
            break
        if _matches(query, each, subjects):
            found.append(each.value)
    found.reverse()
    return found


def page(
    query: Query, candidates: Iterator[Candidate], subjects: Subjects, total: int
) -> dict[str, Any]:
    """A page of values, newest first. The candidates come newest first.

    `examined` says how many items were looked at of `total`. `before` continues the list, and is
    null at its end.
    """
    most = min(PAGE if query.limit is None else query.limit, LARGEST_PAGE)
    found: list[Any] = []
    examined, last, complete = 0, query.before, True
    end = inf
    for each in candidates:
        if _is_past(query, each):
            break
        late = thread_time() > end
        if late or len(found) >= most or examined >= MOST_EXAMINED:
            complete = False
            break
        if not examined:  # The time before the first item does not count.
            end = thread_time() + query.seconds
        examined, last = examined + 1, each.id
        if _matches(query, each, subjects):
            found.append(each.value)
    return {
        "items": found,
        "examined": examined,
        "total": total,
        "complete": complete,
        "before": None if complete else last,
    }


def _is_past(query: Query, each: Candidate) -> bool:
    """Whether this item and all older ones are out of bounds."""
    return each.id <= query.after


def _matches(query: Query, each: Candidate, subjects: Subjects) -> bool:
    if each.value is None:
        return False
    if query.moment is not None and each.at <= query.moment:
        return False
    if not query.search.tests:
        return True
    return any(query.search.matches(subject) for subject in subjects(each.value))

"""The selection of scenarios: by id or glob, by `-k` in pytest's notation, by `--tag` and
others."""

import shlex
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from conformance.errors import UsageError
from conformance.runner.captures.cloud import Recorded
from conformance.spec.citations import sources
from conformance.spec.scenarios.keyword import matcher
from conformance.spec.scenarios.loading import Scenario


@dataclass(frozen=True)
class Selection:
    """The conditions of a selection, which must all hold.

    A scenario must match one of `ids` (ids or globs), have all `tags`, cite one of `headings` (by
    slug) and have one of `levels`.
    """

    ids: tuple[str, ...] = ()
    keyword: str | None = None
    tags: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    mode: str | None = None
    rules: str | None = None

    def scenarios(self, scenarios: Sequence[Scenario]) -> list[Scenario]:
        """The chosen ones. Raises UsageError for a condition that makes no sense."""
        self._check_headings()
        wanted = {f"doc#{heading}" for heading in self.headings}
        return [
            scenario
            for scenario in select(scenarios, self.keyword, self.tags)
            if self._named(scenario.id)
            and (not wanted or wanted & set(scenario.source))
            and (not self.levels or scenario.level in self.levels)
            and self.mode in (None, scenario.mode)
            and self.rules in (None, scenario.rules)
        ]

    def captures(self, captures: Iterable[Recorded]) -> list[Recorded]:
        """The chosen captures. They have the level must and no heading."""
        if self.headings:
            return []
        if self.levels and "must" not in self.levels:
            return []
        return [
            capture
            for capture in select_captures(captures, self.keyword, self.tags)
            if self._named(capture.id) and self.mode in (None, capture.mode)
        ]

    def check_ids(self, known: Collection[str]) -> None:
        """Raise UsageError for an id or a glob that matches no known one."""
        for pattern in self.ids:
            if not any(fnmatchcase(each, pattern) for each in known):
                hint = sources.nearest(pattern, known)
                raise UsageError(f"no scenario or capture is called {pattern!r}{hint}")

    def text(self) -> str:
        """The selection as on the command line; empty for everything."""
        words = [
            *self.ids,
            *(["-k", self.keyword] if self.keyword else []),
            *(word for tag in self.tags for word in ("--tag", tag)),
            *(word for heading in self.headings for word in ("--heading", heading)),
            *(word for level in self.levels for word in ("--level", level)),
            *(["--mode", self.mode] if self.mode else []),
            *(["--rules", self.rules] if self.rules else []),
        ]
        return shlex.join(words)

    def _named(self, name: str) -> bool:
        return not self.ids or any(fnmatchcase(name, pattern) for pattern in self.ids)

    def _check_headings(self) -> None:
        known = sources.headings()
        for heading in self.headings:
            if heading not in known:
                hint = sources.nearest(heading, known)
                raise UsageError(f"--heading: the doc has no heading {heading!r}{hint}")


def select(
    scenarios: Iterable[Scenario], keyword: str | None = None, tags: Iterable[str] = ()
) -> list[Scenario]:
    """Those whose id or title matches the keyword expression and that have all the tags."""
    test = matcher(keyword) if keyword else lambda _: True
    wanted = frozenset(tags)
    return [
        scenario
        for scenario in scenarios
        if wanted <= scenario.tags and test(f"{scenario.id} {scenario.title}")
    ]


def select_captures(
    captures: Iterable[Recorded], keyword: str | None = None, tags: Iterable[str] = ()
) -> list[Recorded]:
    """The same for captures, whose tags are `capture`, their mode and their area."""
    test = matcher(keyword) if keyword else lambda _: True
    wanted = frozenset(tags)
    return [
        capture
        for capture in captures
        if wanted <= {"capture", capture.mode, capture.area} and test(capture.id)
    ]

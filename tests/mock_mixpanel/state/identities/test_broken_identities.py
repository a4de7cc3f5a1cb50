"""Identity systems that are broken on purpose: each must decide otherwise than the right one."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from mock_mixpanel.log.records import LogEntry, RecordVerdict
from mock_mixpanel.state.findings import RefusedError
from mock_mixpanel.state.identities import Identities, Link, LinkDecision
from mock_mixpanel.state.identities.legacy import Legacy
from mock_mixpanel.state.identities.original import Original
from mock_mixpanel.state.identities.simplified import Simplified

A, B, C = (str(UUID(int=number, version=4)) for number in (1, 2, 3))
CAP = 4

Sent = tuple[str, dict[str, Any]]


def identify(identified: str, anonymous: str) -> Sent:
    return "$identify", {"$identified_id": identified, "$anon_id": anonymous}


def alias(new: str, old: str) -> Sent:
    return "$create_alias", {"alias": new, "distinct_id": old}


def merge(*ids: str) -> Sent:
    return "$merge", {"$distinct_ids": list(ids)}


def both(device: str, user: str) -> Sent:
    return "Opened", {"$device_id": device, "$user_id": user}


def outcome(
    system: Identities, traffic: Sequence[Sent]
) -> tuple[list[str | None], set[frozenset[str]]]:
    """The code of each failure, and who is one person in the end."""
    codes: list[str | None] = []
    for name, properties in traffic:
        record = {"event": name, "properties": properties}
        try:
            decision = system.decide(
                LogEntry(record, RecordVerdict("/import", "T", "us", 0, 0, True))
            )
        except RefusedError as error:
            codes.append(str(error))
            continue
        codes.append(decision.added.get("$failure_reason", decision.note))
        if decision.link:
            system.link(decision.link)
    return codes, {frozenset(ids) for ids in system.people()}


class RetroactiveAlias(Legacy):
    """Moves what was stored before."""

    def resolve(self, stored: str) -> str:
        return self.place(stored)


class AliasAgain(Legacy):
    """Takes another original for an alias."""

    def decide(self, entry: LogEntry) -> LinkDecision:
        self.aliases.clear()
        return super().decide(entry)


class BackwardAlias(Legacy):
    """Takes the alias for the original."""

    def link(self, link: Link) -> None:
        self.effective[link.distinct_id] = link.alias


class FormFirst(Original):
    """Looks at the form before it looks whether the ids are the same."""

    def _identify_failure(self, new: Link) -> tuple[str, str] | None:
        if "-" not in new.distinct_id:
            return "errAnonDistinctIdNonGUIDForm", ""
        return super()._identify_failure(new)


class CapFirst(Original):
    """Looks at the number of ids before anything else."""

    def _identify_failure(self, new: Link) -> tuple[str, str] | None:
        return self._too_many(new) or super()._identify_failure(new)


class AnyoneAgain(Original):
    """Forgets that an anonymous id has a person."""

    def _identify_failure(self, new: Link) -> tuple[str, str] | None:
        self.identified.clear()
        return super()._identify_failure(new)


class AliasTwice(Original):
    """Takes an alias a second time."""

    def _alias_failure(self, new: Link) -> tuple[str, str] | None:
        return None


class OneIdLess(Original):
    """Refuses the last id that fits."""

    def _too_many(self, new: Link) -> tuple[str, str] | None:
        self.cluster_ids = CAP - 1
        return super()._too_many(new)


class NoCap(Original):
    """Has no limit."""

    def _too_many(self, new: Link) -> tuple[str, str] | None:
        return None


class LastUser(Simplified):
    """Gives a device to its latest user."""

    def decide(self, entry: LogEntry) -> LinkDecision:
        self.users.clear()
        return super().decide(entry)


class JoinsUsers(Simplified):
    """Makes one person of two users of a device."""

    def link(self, link: Link) -> None:
        self.effective[link.alias] = self.effective[link.distinct_id] = "u"


LEGACY = [alias("u", "a"), alias("u", "b"), alias("v", "a")]
ORIGINAL = [
    identify("u", "u"),
    identify("u", A),
    identify("v", A),
    identify("u", "plain"),
    alias("w", "u"),
    alias("w", "v"),
    identify("u", B),
    identify("u", C),
    identify("x", "plain"),
    identify("y", A),
    merge("u", "v"),
    merge("v", "x"),
]
SIMPLIFIED = [both("d", "u"), both("d", "v"), both("e", "v"), both("e", "v")]

EXPECTED: dict[str, tuple[list[str | None], set[frozenset[str]]]] = {
    "legacy": (
        [None, "alias: it points to another distinct_id already", None],
        {frozenset({"a", "u", "v"})},
    ),
    "original": (
        [
            "errSameIDs",
            None,
            "errAnonDistinctIdAssignedAlready",
            "errAnonDistinctIdNonGUIDForm",
            None,
            "errAliasAlreadyExists",
            None,
            "errManyIDs",
            "errAnonDistinctIdNonGUIDForm",
            "errAnonDistinctIdAssignedAlready",
            "errManyIDs",
            None,
        ],
        {frozenset({"u", A, "w", B}), frozenset({"v", "x"})},
    ),
    "simplified": (
        [None, "$device_id: it is linked to another $user_id already", None, None],
        {frozenset({"u", "$device:d"}), frozenset({"v", "$device:e"})},
    ),
}
TRAFFIC = {"legacy": LEGACY, "original": ORIGINAL, "simplified": SIMPLIFIED}
RIGHT: dict[str, Callable[[], Identities]] = {
    "legacy": Legacy,
    "original": lambda: Original(CAP),
    "simplified": Simplified,
}
BROKEN: list[tuple[str, Callable[[], Identities]]] = [
    *(("legacy", each) for each in (AliasAgain, BackwardAlias)),
    *(
        ("original", lambda each=each: each(CAP))
        for each in (FormFirst, CapFirst, AnyoneAgain, AliasTwice, OneIdLess, NoCap)
    ),
    *(("simplified", each) for each in (LastUser, JoinsUsers)),
]


@pytest.mark.parametrize("mode", TRAFFIC)
def test_right(mode: str) -> None:
    """Each system decides as documented."""
    assert EXPECTED[mode] == outcome(RIGHT[mode](), TRAFFIC[mode])


@pytest.mark.parametrize(("mode", "make"), BROKEN, ids=lambda each: getattr(each, "__name__", each))
def test_broken(mode: str, make: Callable[[], Identities]) -> None:
    """A broken system makes another decision than the right one."""
    assert EXPECTED[mode] != outcome(make(), TRAFFIC[mode])


def test_who_moves_what_was_stored() -> None:
    """A legacy alias moves no stored records; a broken one does."""
    canonical = []
    for system in (Legacy(), RetroactiveAlias()):
        stored = system.place("u")
        outcome(system, [alias("u", "a")])
        canonical.append(system.resolve(stored))
    assert canonical == ["u", "a"]

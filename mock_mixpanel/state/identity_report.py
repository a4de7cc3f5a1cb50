"""The report of identities: clusters, links, split and duplicate profiles, and their causes."""

from collections.abc import Container, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.simulation.scheduler import ScheduledEffect
from mock_mixpanel.state.deletions import ENDPOINT as ERASE
from mock_mixpanel.state.events import IDENTITY_EVENTS
from mock_mixpanel.state.identities import Link
from mock_mixpanel.state.identities.clusters import Clusters
from mock_mixpanel.state.identities.links import LinkHistory
from mock_mixpanel.state.references import CausingRecord, References, about

if TYPE_CHECKING:
    from mock_mixpanel.state.project_state import ProjectState

IDENTITY_LISTS = (
    "clusters",
    "links",
    "pending_aliases",
    "split_profiles",
    "duplicate_profiles",
    "queued",
)
MOST_CAUSES = 1000
"""Causes of one split that are listed; `causes_total` counts all."""


def identity_report(
    state: "ProjectState",
    references: References,
    refused: Sequence[LinkHistory] = (),
    who: str | None = None,
) -> dict[str, list[Any]]:
    """The clusters of ids; links that are asked, due, in effect or refused; people with split data.

    `refused` are the identity events that were refused when they arrived. With `who`, only what
    concerns this id.
    """
    effects = state.scheduler.all()
    people = state.identities.people()
    if who is not None:
        people = [ids for ids in people if who in ids]
    related = None if who is None else {who, *(each for ids in people for each in ids)}
    history = sorted((*state.links, *refused), key=attrgetter("id"))
    links = [each for each in history if related is None or related & set(each.link)]
    if related is not None:
        related |= {each for link in links for each in link.link}
    pending = [
        (effect.due, effect.what)
        for effect in effects
        if isinstance(effect.what, Link) and _concerns(effect.what, related)
    ]
    scope = {"token": state.token, "region": state.region}
    return {
        "clusters": [{"canonical": ids[0], "ids": list(ids)} for ids in people],
        "links": [{**_link(state, each, references), **scope} for each in links],
        "pending_aliases": [{**link._asdict(), "due": iso(due)} for due, link in pending],
        "split_profiles": [
            {**split, **scope} for split in _splits(state, effects, references, related)
        ],
        "duplicate_profiles": [
            {**each, **scope} for each in _duplicates(state, people, effects, references, related)
        ],
        "queued": [
            {
                **references.record(effect.what),
                "due": iso(effect.due),
                **scope,
            }
            for effect in effects
            if isinstance(effect.what, LogEntry) and effect.what.verdict.endpoint != ERASE
            if who is None or about(effect.what)["distinct_id"] == who
        ],
    }


def _concerns(link: Link, related: Container[str] | None) -> bool:
    return related is None or link.alias in related or link.distinct_id in related


def _link(state: "ProjectState", history: LinkHistory, references: References) -> dict[str, Any]:
    status = history.outcome
    if status == "linked":
        status = "pending" if history.due > state.now else "in_effect"
    because = state.link_times.get(history.because)
    return {
        **history.link._asdict(),
        "status": status,
        "reason": history.reason or None,
        "asked": references.cause(CausingRecord(history.id, history.at)),
        "due": iso(history.due),
        "because": references.cause(CausingRecord(history.because, because)) if because else None,
    }


def _splits(
    state: "ProjectState",
    effects: Sequence[ScheduledEffect],
    references: References,
    related: Container[str] | None,
) -> list[dict[str, Any]]:
    """The aliases that lead to another person than their id, with the records that cause it."""
    resolve = state.identities.resolve
    pending = [effect.what for effect in effects if isinstance(effect.what, Link)]
    splits = [
        (link, resolve(link.alias))
        for link in state.identities.splits(pending)
        if resolve(link.alias) != resolve(link.distinct_id) and _concerns(link, related)
    ]
    causes: dict[str, list[int]] = {who: [] for _, who in splits}
    if causes:
        for who, numbers in state.profiles.updates():
            causes.get(resolve(who), []).extend(numbers)
        for event in state.events:
            if event.name not in IDENTITY_EVENTS:
                causes.get(resolve(event.stored), []).append(event.id)
    asked = {history.link: history for history in state.links if history.outcome == "linked"}
    return [
        {
            **link._asdict(),
            "status": "pending" if link in pending else "in_effect",
            "asked": references.cause(CausingRecord(asked[link].id, asked[link].at)),
            "due": iso(asked[link].due),
            "causes": [
                references.record(entry)
                for entry in state.entries(sorted(causes[who])[:MOST_CAUSES])
            ],
            "causes_total": len(causes[who]),
        }
        for link, who in splits
        if causes[who]
    ]


def _duplicates(
    state: "ProjectState",
    people: Sequence[Sequence[str]],
    effects: Sequence[ScheduledEffect],
    references: References,
    related: Container[str] | None,
) -> list[dict[str, Any]]:
    """People who have several profiles, pending links included, and the first update of each."""
    everyone = Clusters()
    pending = [effect.what for effect in effects if isinstance(effect.what, Link)]
    wanted = [link for link in pending if _concerns(link, related)]
    for first, *others in [*people, *((link.distinct_id, link.alias) for link in wanted)]:
        for other in others:
            everyone.join(first, other)
    found = []
    for ids in everyone.all():
        profiles = {who: profile for who in sorted(ids) if (profile := state.profiles.get(who))}
        if len(profiles) > 1:
            made = {profile.made: who for who, profile in profiles.items()}
            first_updates = {
                made[entry.id]: references.record(entry) for entry in state.entries(sorted(made))
            }
            found.append(
                {
                    "distinct_ids": list(profiles),
                    "profiles": [
                        {"distinct_id": who, "made_by": first_updates.get(who)} for who in profiles
                    ],
                }
            )
    return found

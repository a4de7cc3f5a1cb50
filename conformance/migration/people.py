"""Matches the people of one project with those of another.

A person of the one and a person of the other belong together if one message went to both. If all
messages of two people agree, they are the same person, whatever their ids are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

NOBODY = ""


@dataclass
class ConnectedPeople:
    """People of both projects who belong together, and the messages that link them.

    `links` has the first message of each pair.
    """

    old: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)
    links: dict[tuple[str, str], int] = field(default_factory=dict)


def connected_people(pairs: Iterable[tuple[int, str, str]]) -> list[ConnectedPeople]:
    """The groups of people. A pair is a message, its person in the old and in the new project."""
    links: dict[tuple[str, str], int] = {}
    for message, old, new in pairs:
        links.setdefault((old, new), message)
    parents: dict[tuple[bool, str], tuple[bool, str]] = {}

    def root(node: tuple[bool, str]) -> tuple[bool, str]:
        parents.setdefault(node, node)
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    for old, new in links:
        one, two = root((False, old)), root((True, new))
        if one != two:
            parents[two] = one
    found: dict[tuple[bool, str], ConnectedPeople] = {}
    for (old, new), message in links.items():
        group = found.setdefault(root((False, old)), ConnectedPeople())
        group.old.add(old)
        group.new.add(new)
        group.links[old, new] = message
    return list(found.values())


def without_moved(
    pairs: Iterable[tuple[int, str, str]], same_ids: Mapping[str, str]
) -> tuple[list[tuple[int, str, str]], list[tuple[int, str, str]]]:
    """The pairs that say who belongs together, and those of messages that moved.

    `same_ids` maps people of the old project to those of the new one who have exactly the same ids.
    A message moved if it reached one of them in the old project and another one in the new project.
    """
    kept: list[tuple[int, str, str]] = []
    moved: list[tuple[int, str, str]] = []
    known = frozenset(same_ids.values())
    for message, old, new in pairs:
        stays = same_ids.get(old)
        if stays is None or stays == new or new not in known:
            kept.append((message, old, new))
        else:
            moved.append((message, old, new))
            # Both people are in both projects, whatever else reached them.
            kept.append((message, old, stays))
    return kept, moved


def pairs_of(
    message: int, old: Iterable[str], new: Iterable[str]
) -> Iterator[tuple[int, str, str]]:
    """The pairs of people of one message. People of the same id belong together."""
    ones = {each for each in old if each != NOBODY}
    twos = {each for each in new if each != NOBODY}
    for same in sorted(ones & twos):
        yield message, same, same
    for one in sorted(ones - twos):
        for two in sorted(twos - ones):
            yield message, one, two

"""Links that take time: splits, duplicate profiles, and what waits when the queue is backed up."""

from typing import Any
from uuid import UUID

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, alias, event, group_update, reasons, send, update

DELAY = 10
DEVICE = str(UUID(int=1, version=4))
KINDS = ("legacy", "original", "simplified")


def ready(mock: MockMixpanel, identity: str, queue: int | None = None) -> MockMixpanel:
    """A project whose links take 10 s, at a frozen time."""
    mock.project(identity=identity, alias_delay=DELAY, limits={"alias_queue": queue})
    mock.freeze(NOW)
    return mock


def link(mock: MockMixpanel, identity: str) -> dict[str, Any]:
    """What links the device and the user u-1 under an identity system."""
    if identity == "simplified":
        return event(mock, "Linked", **{"$device_id": DEVICE, "$user_id": "u-1"})
    if identity == "original":
        ids = {"$identified_id": "u-1", "$anon_id": device(identity)}
        return event(mock, "$identify", **ids)
    return alias(mock, "u-1", device(identity))


def device(identity: str) -> str:
    return f"$device:{DEVICE}" if identity == "simplified" else DEVICE


def split(identity: str) -> str:
    """The id of a separate person until the link takes effect."""
    return device(identity) if identity == "simplified" else "u-1"


def people(mock: MockMixpanel, name: str = "Signed Up") -> list[str]:
    return [item["distinct_id"] for item in mock.events() if item["event"] == name]


@pytest.mark.parametrize("identity", KINDS)
def test_a_link_takes_its_time(mock_mixpanel: MockMixpanel, identity: str) -> None:
    """Until a link takes effect it is pending, and its two ids are two people."""
    mock = ready(mock_mixpanel, identity)
    send(mock, "/track", link(mock, identity))
    mock.advance(DELAY - 0.001)
    both = [event(mock, distinct_id=who) for who in ("u-1", device(identity))]
    send(mock, "/track", both)
    (pending,) = mock.identities()["pending_aliases"]
    assert {"u-1", device(identity)} == {pending["alias"], pending["distinct_id"]}
    assert (split(identity), "2026-06-15T12:00:10.000Z") == (pending["alias"], pending["due"])
    assert mock.identities()["clusters"] == []
    assert people(mock) == ["u-1", device(identity)]
    mock.advance(0.001)
    (cluster,) = mock.identities()["clusters"]
    assert set(cluster["ids"]) == {"u-1", device(identity)}
    assert mock.identities()["pending_aliases"] == []


@pytest.mark.parametrize(("identity", "lasts"), [*zip(KINDS, (True, False, False), strict=True)])
def test_causes_of_a_split(mock_mixpanel: MockMixpanel, identity: str, lasts: bool) -> None:
    """A split lists the records that made it; only under legacy it lasts."""
    mock = ready(mock_mixpanel, identity)
    records = [event(mock, distinct_id=split(identity)), link(mock, identity)]
    send(mock, "/track", records)
    send(mock, "/engage", update(mock, split(identity), set={"plan": "pro"}))
    send(mock, "/track", event(mock, distinct_id=split(identity)))
    first, _, third = (item["id"] for item in mock.events())
    expected = {"alias": split(identity), "causes": [first, third - 1, third]}
    (shown,) = mock.identities()["split_profiles"]
    causes = [each["id"] for each in shown["causes"]]
    assert {"alias": shown["alias"], "causes": causes} == expected
    mock.advance(DELAY)
    later = [shown | {"status": "in_effect"}] if lasts else []
    assert mock.identities()["split_profiles"] == later
    (cluster,) = mock.identities()["clusters"]
    assert {split(identity) if lasts else cluster["canonical"]} == {*people(mock)}


@pytest.mark.parametrize("identity", KINDS)
def test_duplicate_profiles(mock_mixpanel: MockMixpanel, identity: str) -> None:
    """Two profiles of one person are listed, pending links included; original makes them one."""
    mock = ready(mock_mixpanel, identity)
    for who in ("u-1", device(identity)):
        send(mock, "/engage", update(mock, who, set={"a": 1}))
    assert mock.identities()["duplicate_profiles"] == []
    send(mock, "/track", link(mock, identity))
    both = sorted(["u-1", device(identity)])
    (shown,) = mock.identities()["duplicate_profiles"]
    assert shown["distinct_ids"] == both
    made_by = [(each["distinct_id"], each["made_by"]["distinct_id"]) for each in shown["profiles"]]
    assert made_by == [(who, who) for who in both]
    mock.advance(DELAY)
    lasting = [] if identity == "original" else [shown]
    assert mock.identities()["duplicate_profiles"] == lasting


def test_updates_after_the_link(mock_mixpanel: MockMixpanel) -> None:
    """Under simplified, what is sent for a linked device goes to the profile of its user."""
    mock = ready(mock_mixpanel, "simplified")
    send(mock, "/engage", update(mock, device("simplified"), set={"before": 1}))
    send(mock, "/track", link(mock, "simplified"))
    mock.advance(DELAY)
    send(mock, "/engage", update(mock, device("simplified"), set={"after": 1}))
    assert mock.profiles() == {device("simplified"): {"before": 1}, "u-1": {"after": 1}}


@pytest.mark.parametrize("identity", KINDS)
def test_no_queue(mock_mixpanel: MockMixpanel, identity: str) -> None:
    """Without a limit the queue is never backed up: what follows a link does not wait."""
    mock = ready(mock_mixpanel, identity)
    send(mock, "/track", [link(mock, identity), event(mock)])
    assert mock.identities()["queued"] == []
    assert people(mock) == ["u-1"]


def test_backed_up(mock_mixpanel: MockMixpanel) -> None:
    """Events and updates wait for the aliases before them, and are not split."""
    mock = ready(mock_mixpanel, "legacy", queue=0)
    send(mock, "/track", [alias(mock, "u-1", "anon-1"), event(mock)])
    send(mock, "/engage", update(mock, set={"plan": "pro"}))
    first = mock.requests()[0]["id"]
    queued = mock.identities()["queued"]
    due = "2026-06-15T12:00:10.000Z"
    assert [(e["endpoint"], e["due"]) for e in queued] == [("/track", due), ("/engage", due)]
    assert (people(mock), mock.profiles(), mock.rejected()) == ([], {}, [])
    assert [each["accepted"] for each in mock.requests()[0]["verdicts"]] == [True, True]
    mock.advance(DELAY)
    assert (people(mock), mock.profiles()) == (["anon-1"], {"anon-1": {"plan": "pro"}})
    shown = mock.identities()
    assert (shown["queued"], shown["split_profiles"]) == ([], [])
    assert first == mock.requests()[0]["id"]


def test_not_yet_backed_up(mock_mixpanel: MockMixpanel) -> None:
    """As many aliases as allowed may be pending; one more and records wait for all of them."""
    mock = ready(mock_mixpanel, "legacy", queue=1)
    send(mock, "/track", [alias(mock, "u-1", "anon-1"), event(mock)])
    mock.advance(3)
    send(mock, "/track", [alias(mock, "u-2", "anon-2"), event(mock, distinct_id="u-2")])
    assert people(mock) == ["u-1"]
    (queued,) = mock.identities()["queued"]
    assert queued["due"] == "2026-06-15T12:00:13.000Z"
    mock.advance(DELAY)
    assert people(mock) == ["u-1", "anon-2"]
    assert [each["alias"] for each in mock.identities()["split_profiles"]] == ["u-1"]


def test_first_come_first_served(mock_mixpanel: MockMixpanel) -> None:
    """While records wait, later ones wait behind them, though the queue is short again."""
    mock = ready(mock_mixpanel, "legacy", queue=1)
    send(mock, "/track", alias(mock, "u-1", "anon-1"))
    mock.advance(3)
    send(mock, "/track", alias(mock, "u-2", "anon-2"))
    send(mock, "/engage", update(mock, "u-2", set={"n": 1}))
    mock.advance(DELAY - 3)
    assert [each["alias"] for each in mock.identities()["pending_aliases"]] == ["u-2"]
    send(mock, "/engage", update(mock, "u-2", set={"n": 2}))
    assert mock.profiles() == {}
    assert len(mock.identities()["queued"]) == 2
    mock.advance(3)
    assert mock.profiles() == {"anon-2": {"n": 2}}


def test_other_people_wait_as_well(mock_mixpanel: MockMixpanel) -> None:
    """The queue is the project's: everybody's events wait, groups do not."""
    mock = ready(mock_mixpanel, "legacy", queue=0)
    send(mock, "/track", [alias(mock, "u-1", "anon-1"), event(mock, distinct_id="bob")])
    send(mock, "/groups", group_update(mock, set={"plan": "pro"}))
    assert people(mock) == []
    assert mock.groups() == {"company": {"acme": {"plan": "pro"}}}
    mock.advance(DELAY)
    assert people(mock) == ["bob"]


def test_events_that_waited_are_in_order(mock_mixpanel: MockMixpanel) -> None:
    """Events are listed in order of arrival, whenever they were stored."""
    mock = ready(mock_mixpanel, "legacy", queue=0)
    send(mock, "/track", [alias(mock, "u-1", "anon-1"), event(mock, "A"), event(mock, "B")])
    send(mock, "/track", alias(mock, "u-2", "anon-2"))
    send(mock, "/track", event(mock, "C"))
    mock.advance(DELAY)
    names = [item["event"] for item in mock.events()]
    assert names == ["$create_alias", "A", "B", "$create_alias", "C"]


def test_an_update_that_waited_may_be_refused(mock_mixpanel: MockMixpanel) -> None:
    """Whether an update fits is known when it is applied; then the verdict says so."""
    mock = ready(mock_mixpanel, "legacy", queue=0)
    send(mock, "/engage", update(mock, "anon-1", set={"n": "text"}))
    send(mock, "/track", alias(mock, "u-1", "anon-1"))
    send(mock, "/engage", update(mock, add={"n": 1}))
    assert mock.rejected() == []
    mock.advance(DELAY)
    assert reasons(mock) == [["$add.n: the profile holds no number"]]
    assert [each["accepted"] for each in mock.requests()[-1]["verdicts"]] == [False]


@pytest.mark.parametrize("identity", ["original", "simplified"])
def test_every_link_counts(mock_mixpanel: MockMixpanel, identity: str) -> None:
    """Links of the other systems are in the queue as aliases are."""
    mock = ready(mock_mixpanel, identity, queue=0)
    send(mock, "/track", [link(mock, identity), event(mock, distinct_id="bob")])
    assert people(mock) == []
    mock.advance(DELAY)
    assert people(mock) == ["bob"]

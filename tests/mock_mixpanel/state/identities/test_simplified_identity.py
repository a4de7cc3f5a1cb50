"""Simplified id merge: device and user."""

from typing import Any

import pytest

from mock_mixpanel.client import ControlCallError, MockMixpanel
from tests.mock_mixpanel.wire import event, reasons, send, update


@pytest.fixture
def simplified(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A project under simplified id merge."""
    mock_mixpanel.project(identity="simplified")
    return mock_mixpanel


def people(mock: MockMixpanel) -> list[str]:
    return [item["distinct_id"] for item in mock.events()]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"$user_id": "u", "$device_id": "d", "distinct_id": "other"}, "u"),
        ({"$device_id": "d", "distinct_id": "other"}, "$device:d"),
        ({"$user_id": "u", "distinct_id": "other"}, "u"),
        ({"distinct_id": "$device:d"}, "$device:d"),
        ({"distinct_id": "u"}, "u"),
        ({"distinct_id": ""}, ""),
    ],
)
def test_distinct_id(simplified: MockMixpanel, sent: dict[str, Any], expected: str) -> None:
    """The distinct id is the user, else the device; a sent one is overwritten."""
    send(simplified, "/track", event(simplified, **sent))
    assert people(simplified) == [expected]


def test_linking_is_retroactive(simplified: MockMixpanel) -> None:
    """The first event with both ids gives earlier and later events of the device to the user."""
    device = {"$device_id": "d", "distinct_id": None}
    records = [event(simplified, **device), event(simplified, **device, **{"$user_id": "u"})]
    send(simplified, "/track", [*records, event(simplified, **device)])
    assert people(simplified) == ["u", "u", "u"]
    assert simplified.identities()["clusters"] == [{"canonical": "u", "ids": ["u", "$device:d"]}]


def test_profiles_stay(simplified: MockMixpanel) -> None:
    """What was set on the device's profile is not carried over."""
    send(simplified, "/engage", update(simplified, "$device:d", set={"a": 1}))
    send(simplified, "/track", event(simplified, **{"$device_id": "d", "$user_id": "u"}))
    assert simplified.profiles() == {"$device:d": {"a": 1}}


def test_second_user_of_a_device(simplified: MockMixpanel) -> None:
    """A device keeps its first user; the event of the second is the second's, and noted."""
    first = event(simplified, **{"$device_id": "d", "$user_id": "u"})
    second = event(simplified, **{"$device_id": "d", "$user_id": "v"})
    alone = event(simplified, **{"$device_id": "d"})
    send(simplified, "/track", [first, second, alone])
    assert people(simplified) == ["u", "v", "u"]
    assert reasons(simplified) == [["$device_id: it is linked to another $user_id already"]]


@pytest.mark.parametrize("name", ["$create_alias", "$identify", "$merge"])
def test_identity_events(simplified: MockMixpanel, name: str) -> None:
    """Identity events are accepted, have no effect, and are listed with the reason."""
    record = event(simplified, name, distinct_id="anon-1", alias="u-1")
    assert send(simplified, "/import", record).content == b"1"
    send(simplified, "/track", event(simplified))
    assert people(simplified) == ["anon-1", "u-1"]
    assert reasons(simplified) == [[f"event: {name} has no effect under simplified identity"]]
    assert simplified.identities()["clusters"] == []


def test_identify_of_sdks(simplified: MockMixpanel) -> None:
    """`$identify` as SDKs send it links by its device and user, as any event that has both does."""
    ids = {"$device_id": "d", "$user_id": "u", "$anon_distinct_id": "$device:d"}
    send(simplified, "/track", event(simplified, distinct_id="$device:d"))
    send(simplified, "/track", event(simplified, "$identify", distinct_id="u", **ids))
    assert people(simplified) == ["u", "u"]
    assert simplified.rejected() == []


def test_identity_is_fixed_by_data(mock_mixpanel: MockMixpanel) -> None:
    """The identity system can be switched only while there is no data."""
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    with pytest.raises(ControlCallError, match=r"identity: can be changed only before"):
        mock_mixpanel.project(identity="simplified")


@pytest.mark.parametrize(
    ("sent", "implied"),
    [
        ({"distinct_id": "u"}, {"$user_id": "u"}),
        ({"distinct_id": "$device:d"}, {"$device_id": "d"}),
        ({"distinct_id": "u", "$device_id": "d"}, {"$device_id": "d"}),
        ({"distinct_id": "u", "$user_id": "v"}, {"$user_id": "v"}),
        ({"distinct_id": ""}, {}),
    ],
)
def test_implied_ids(
    simplified: MockMixpanel, sent: dict[str, Any], implied: dict[str, Any]
) -> None:
    """A distinct id that is sent alone becomes the user id or the device id of the event."""
    send(simplified, "/track", event(simplified, **sent))
    (item,) = simplified.events()
    ids = ("$user_id", "$device_id")
    assert implied == {name: item["properties"][name] for name in ids if name in item["properties"]}


def test_failure_is_stored(simplified: MockMixpanel) -> None:
    """The event of a device's second user says that it links nothing."""
    users = [event(simplified, **{"$device_id": "d", "$user_id": user}) for user in ("u", "v")]
    send(simplified, "/track", users)
    reason = "$device_id: it is linked to another $user_id already"
    failures = [item["properties"].get("$identity_failure_reason") for item in simplified.events()]
    assert failures == [None, reason]


def test_only_distinct_ids_link_nothing(simplified: MockMixpanel) -> None:
    """A device and a user that are sent one after the other are not linked."""
    ids = ("$device:d", "u")
    send(simplified, "/track", [event(simplified, distinct_id=who) for who in ids])
    assert people(simplified) == ["$device:d", "u"]

"""The package `@segment/analytics-react-native` with its Mixpanel plugin, which sends to the mock.

The plugin calls `mixpanel-react-native`, here in its JavaScript mode, which sends to Mixpanel's own
host over https.
"""

from typing import Any

import pytest

from tests.clients.mixpanel import Project
from tests.clients.node_run import run_at_home

PLUGIN = "@segment/analytics-react-native-plugin-mixpanel"

LIBRARY = {
    "$lib_version": "3.8",
    "$manufacturer": "Apple",
    "$os": "ios",
    "$os_version": "18.0",
    "mp_lib": "react-native",
}
IDS = {
    *("$anon_distinct_id", "$device_id", "$distinct_id_before_identity", "$insert_id"),
    *("$preshuffle_distinct_id", "$user_id", "distinct_id", "time"),
}
TRAITS = {"$first_name": "Ann", "plan": "pro"}


@pytest.fixture
def shop(secure_project: Project) -> Project:
    """A project after one session of one person in an app."""
    secure_project.create(identity="simplified")
    settings = {
        "token": secure_project.token,
        "people": True,
        "setAllTraitsByDefault": True,
        "trackNamedPages": True,
        "propIncrements": ["total"],
        "groupIdentifierTraits": ["company"],
    }
    calls = [
        ["screen", "Pricing", {"currency": "EUR"}],
        ["identify", "ann", {"firstName": "Ann", "plan": "pro"}],
        ["track", "Order Completed", {"total": 12}],
        ["group", "acme", {"company": "acme", "size": 7}],
    ]
    given = {"settings": settings, "calls": calls, "requests": 3}
    run_at_home("react_native.cjs", PLUGIN, given, secure_project)
    return secure_project


def own(event: dict[str, Any]) -> dict[str, Any]:
    """The properties of an exported event, less ids and the patch number of the library."""
    properties = {key: value for key, value in event["properties"].items() if key not in IDS}
    return properties | {"$lib_version": properties["$lib_version"].rpartition(".")[0]}


def test_calls_become_events_of_one_person(shop: Project) -> None:
    """Screen, identify and track are events with super properties, all of them of one person."""
    assert {each["event"]: own(each) for each in shop.events(3)} == {
        "Viewed Pricing Screen": {**LIBRARY, "currency": "EUR", "$is_reshuffled": True},
        "$identify": {**LIBRARY, **TRAITS, "distinctId": "ann"},
        "Order Completed": {**LIBRARY, **TRAITS, "total": 12},
    }
    assert {each["distinct_id"] for each in shop.distinct()} == {"ann"}
    assert shop.people(1) == {"ann": {**TRAITS, "total": 12, "company": ["acme"]}}


def test_the_plugin_names_a_group_by_its_trait(shop: Project) -> None:
    """The plugin sends a group's traits under the value of the trait, so the mock shows a loss."""
    [lost] = [each for each in shop.undelivered() if each["endpoint"] == "/groups"]
    assert lost["reasons"] == ["$group_key: 'acme' is not one of the project's group_keys"]
    assert lost["record"]["$set_once"] == {"properties": {"company": "acme", "size": 7}}
    assert shop.groups("company") == {}

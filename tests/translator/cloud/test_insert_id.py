from uuid import UUID, uuid5

import pytest

from tests.translator.messages import properties, track
from translator import Rules
from translator.cloud.insert_id import MIXPANEL_NAMESPACE, insert_id


@pytest.mark.parametrize(
    ("message_id", "project_id", "event"),
    [("m1", "p", "Signed Up"), (7, 4242, "Café ☕"), ("", "", ""), ("node-next-1-uuid", "", "a:b")],
)
def test_it_is_the_version_5_uuid_of_the_three_parts(
    message_id: str, project_id: str, event: str
) -> None:
    """The shortcut gives what the standard library gives for the doc's formula."""
    expected = str(uuid5(MIXPANEL_NAMESPACE, f"{message_id}:{project_id}:{event}"))
    assert insert_id(message_id, project_id, event) == expected
    assert UUID(expected).version == 5


def test_the_namespace_never_changes() -> None:
    """A new namespace would make every event sent again a second event."""
    assert str(MIXPANEL_NAMESPACE) == "92322da4-9fad-581d-9be4-0cba4b7cfd19"


def test_it_is_the_same_on_every_translation() -> None:
    """A message that is translated again, at another time, keeps its insert id."""
    assert properties(track())["$insert_id"] == properties(track())["$insert_id"]


def test_events_without_a_message_id_have_none_of_ours() -> None:
    """Without a messageId nothing stable can be made, and the user's own id passes."""
    message = track(properties={"$insert_id": "mine"})
    del message["messageId"]
    assert properties(message)["$insert_id"] == "mine"


def test_the_users_own_never_wins() -> None:
    """A property called `$insert_id` cannot make two messages one event."""
    made = properties(track(properties={"$insert_id": "mine"}), projectId="p")["$insert_id"]
    assert made == insert_id("m1", "p", "Signed Up")


def test_the_classic_integration_made_none() -> None:
    """Under observed rules no insert id is made."""
    assert "$insert_id" not in properties(track(), Rules.observed())

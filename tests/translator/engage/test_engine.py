import copy
import json
import pickle
from typing import Any

import pytest

from tests.translator.engage.build import DAY, HOUR, T0, audience, said, track, trait
from translator import Settings
from translator.core.errors import TranslationError
from translator.engage import Engage, definitions_from_json, unset_operations

Json = dict[str, Any]


def feed(engage: Engage, *times: int, event: str = "X") -> list[Json]:
    """What an event at each of these times causes, each arriving at its time."""
    return [made for at in times for made in engage.take(track(event, at), at)]


def test_real_time() -> None:
    """Without a lookback window a value is sent with the message that changes it."""
    assert said(feed(trait(), T0, T0 + 1, T0 + 2)) == [1, 2, 3]


def test_hourly() -> None:
    """With a lookback window a value is sent at the next full hour, once."""
    engage = trait(lookback_days=7)
    assert feed(engage, T0 + 1, T0 + 2, T0 + 3) == []
    assert engage.advance(T0 + HOUR - 1) == []
    made = engage.advance(T0 + HOUR)
    assert said(made) == [3]
    assert [each["timestamp"] for each in made] == ["2026-06-15T13:00:00.000Z"]
    assert engage.advance(T0 + 6 * DAY) == []


def test_a_window_ends() -> None:
    """An event counts for as many days as the window has, to the next full hour."""
    engage = trait(lookback_days=7)
    feed(engage, T0 + 1)
    assert said(engage.advance(T0 + 7 * DAY)) == [1]
    assert said(engage.advance(T0 + 7 * DAY + HOUR)) == [0]


def test_nothing_left_to_aggregate() -> None:
    """When everything has left the window, a sum is 0; other results have no value."""
    for computation, nothing in [("sum", 0), ("min", None), ("max", None), ("average", None)]:
        engage = trait(computation, lookback_days=1)
        engage.take(track(properties={"n": 5}), T0)
        assert said(engage.advance(T0 + 2 * DAY)) == [5, nothing]


def test_a_sum_of_nothing_but_zero_is_sent() -> None:
    """0 is a value if it was computed, and none if there was nothing to compute it from."""
    engage = trait("sum", where=[{"property": "n", "at_most": 0}])
    assert engage.take(track(properties={"n": 1}), T0) == []
    assert said(engage.take(track(properties={"n": 0}), T0)) == [0]


def test_values_that_are_no_numbers() -> None:
    """Only numbers are aggregated, text that is one included; the others are counted as ignored."""
    engage = trait("sum")
    values = [1, "2.5", "free", None, True, [4], "nan", 1e308]
    made = [each for n in values for each in engage.take(track(properties={"n": n}), T0)]
    assert said(made) == [1, 3.5]
    assert engage.ignored == {"a": 6}


def test_an_unchanged_value_is_not_sent() -> None:
    """A maximum that stays is not sent again."""
    engage = trait("max")
    made = [each for n in (3, 2, 3, 4) for each in engage.take(track(properties={"n": n}), T0)]
    assert said(made) == [3, 4]


def test_an_audience_is_entered_once() -> None:
    """Whoever is in the audience already does not enter again."""
    engage = audience({"performed": "X"}, send=["track"])
    made = feed(engage, T0, T0 + 1)
    assert said(made) == ["Audience Entered"]
    assert made[0]["properties"] == {"audience_key": "a", "a": True}


def test_names_of_events() -> None:
    """The names of the two events can be chosen."""
    engage = audience(
        {"performed": "X", "within_days": 1}, send=["track"], enter_event="In", exit_event="Out"
    )
    feed(engage, T0)
    made = engage.advance(T0 + 2 * DAY)
    assert said(made) == ["In", "Out"]
    assert made[1]["properties"] == {"audience_key": "a", "a": False}


def test_identify_comes_before_track() -> None:
    """Sent both ways, the profile is there before the event."""
    engage = audience({"performed": "X"}, send=["track", "identify"])
    assert [made["type"] for made in feed(engage, T0)] == ["identify", "track"]


def test_did_not_perform() -> None:
    """Whoever appears without the event is in; the event takes them out."""
    engage = audience({"did_not_perform": "X"})
    assert said(feed(engage, T0, event="Y")) == [True]
    assert said(feed(engage, T0)) == [False]
    assert feed(engage, T0, event="Y") == []


def test_did_not_perform_lately() -> None:
    """Who has not come back within the window enters."""
    engage = audience({"did_not_perform": "X", "within_days": 1})
    feed(engage, T0)
    assert said(engage.advance(T0 + 2 * DAY)) == [True]


def test_abandoned_carts() -> None:
    """Performed, and then did not perform: in with the cart, out with the order, in again."""
    engage = audience({"performed": "X", "then": {"did_not_perform": "Y"}})
    made = [each for event in "XYYX" for each in engage.take(track(event), T0)]
    assert said(made) == [True, False, True]
    assert len({each["messageId"] for each in made}) == 3


def test_all_and_any() -> None:
    """All members of the list must hold, and of an `any` one."""
    engage = audience({"performed": "X"}, {"any": [{"performed": "Y"}, {"performed": "Z"}]})
    assert engage.take(track("Z"), T0) == []
    assert said(engage.take(track("X"), T0)) == [True]
    assert engage.take(track("Y"), T0) == []


def test_the_same_message_again() -> None:
    """A message that comes twice counts once."""
    engage = trait()
    message = track(messageId="m1")
    assert said(engage.take(message, T0) + engage.take(message, T0 + 5)) == [1]


def test_messages_without_an_id() -> None:
    """Two messages without messageId are two, however equal."""
    engage = trait()
    assert said(engage.take(track(), T0) + engage.take(track(), T0)) == [1, 2]


def test_few_ids_are_remembered() -> None:
    """Memory for repeated messages ends after so many others."""
    definitions = {"computed_traits": [{"name": "A", "computation": "event_counter", "event": "X"}]}
    engage = Engage(definitions_from_json(definitions), remember=3)
    made = [each for id in "abcaabdab" for each in engage.take(track(messageId=id), T0)]
    assert said(made) == [1, 2, 3, 4, 5, 6]


def test_late_messages() -> None:
    """A late message counts at its time, and is sent now."""
    engage = audience({"performed": "X", "within_days": 7}, {"performed": "Y", "within_days": 1})
    engage.take(track("Y"), T0)
    engage.take(track("X", T0 - 8 * DAY), T0)
    engage.take(track("X", T0 - 6 * DAY), T0)
    made = engage.advance(T0 + 3 * DAY)
    assert said(made) == [True, False]
    assert [each["timestamp"] for each in made] == [
        "2026-06-15T13:00:00.000Z",
        "2026-06-16T13:00:00.000Z",
    ]


def test_the_future_is_now() -> None:
    """A timestamp that is still to come counts as now."""
    engage = trait(lookback_days=1)
    engage.take(track(at=T0 + 90 * DAY), T0)
    assert said(engage.advance(T0 + 3 * DAY)) == [1, 0]


def test_the_clock_does_not_go_back() -> None:
    """A message that arrives before the one before it arrives with it."""
    engage = trait()
    feed(engage, T0 + 5)
    [made] = engage.take(track(), T0)
    assert made["timestamp"] == "2026-06-15T12:00:00.005Z"


def test_first_sync() -> None:
    """At its creation everybody in the audience is sent once; later, only changes are."""
    engage = audience({"performed": "X"}, created_at="2026-06-15T12:30:00Z")
    for at in (T0, T0 + 1):
        for user in ("a", "b"):
            assert engage.take(track(at=at, user=user), at) == []
    made = engage.advance(T0 + HOUR)
    assert [each["userId"] for each in made] == ["a", "b"]
    assert {each["timestamp"] for each in made} == {"2026-06-15T12:30:00.000Z"}
    assert engage.take(track(user="a"), T0 + HOUR) == []
    assert [each["userId"] for each in engage.take(track(user="c"), T0 + HOUR)] == ["c"]


def test_first_sync_of_a_window() -> None:
    """What is updated hourly is sent first at the full hour after its creation."""
    engage = trait(lookback_days=1, created_at="2026-06-16T12:30:00Z")
    feed(engage, T0, T0 + 2 * HOUR)
    made = engage.advance(T0 + 5 * DAY)
    assert [(each["timestamp"], each["traits"]["a"]) for each in made] == [
        ("2026-06-16T13:00:00.000Z", 1),
        ("2026-06-16T15:00:00.000Z", 0),
    ]


def test_resync_repeats_itself() -> None:
    """A sync of everything sends the same messages, word for word."""
    engage = audience({"performed": "X"}, send=["identify", "track"])
    first = feed(engage, T0) + engage.take(track(user="v"), T0 + 5)
    assert first == engage.resync("a")


def test_replaying_repeats_itself() -> None:
    """The same messages give the same messages, word for word, in a new Engage."""

    def replay() -> list[Json]:
        engage = audience({"performed": "X", "within_days": 1}, send=["identify", "track"])
        return feed(engage, T0, T0 + DAY, T0 + 5 * DAY) + engage.advance(T0 + 9 * DAY)

    assert len(replay()) == 8
    assert replay() == replay()


def test_different_messages_differ() -> None:
    """Another person, address, definition, value or moment makes another message."""
    definitions = {
        "computed_traits": [
            {"name": name, "computation": "event_counter", "event": "X"} for name in "AB"
        ],
        "audiences": [{"name": "C", "users_who": [{"performed": "X"}], "send": ["track"]}],
    }
    engage = Engage(definitions_from_json(definitions))
    made = []
    for user in "uv":
        for email in "pq":
            identify = {"type": "identify", "userId": user, "traits": {"email": email}}
            made += engage.take(identify, T0)
            made += engage.take(track(user=user), T0)
    assert len(made) == len({each["messageId"] for each in made}) == 20


def test_deleting_sends_nothing() -> None:
    """A deleted definition is not heard of any more."""
    engage = audience({"performed": "X", "within_days": 1})
    feed(engage, T0)
    engage.delete("a")
    assert engage.advance(T0 + 3 * DAY) == []
    assert feed(engage, T0 + 3 * DAY) == []


def test_unset() -> None:
    """What was sent can be removed from every profile, also after the definition was deleted."""
    engage = audience({"performed": "X"})
    feed(engage, T0)
    engage.take({"type": "identify", "userId": "u", "traits": {"email": "a@x.example"}}, T0)
    engage.take(track("Y", user="v"), T0)
    engage.delete("a")
    ids = [external.id for external in engage.sent_to("a")]
    [operation] = unset_operations("a", ids, Settings(token="T", enableEuropeanUnionEndpoint=True))
    assert (operation.endpoint, operation.host) == ("/engage", "https://api-eu.mixpanel.com")
    assert operation.payload == {
        "$token": "T",
        "$distinct_id": "u",
        "$ip": 0,
        "$ignore_time": True,
        "$unset": ["a"],
    }


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ([], "not_an_object"),
        ({"type": "trak"}, "unknown_type"),
        ({"type": "track", "event": "X"}, "missing_id"),
        ({"type": "alias", "userId": "u"}, "missing_id"),
        (
            {"type": "track", "event": "X", "userId": "u", "timestamp": "soon"},
            "timestamp_unparsable",
        ),
        ({"type": "track", "event": "X", "userId": "u", "timestamp": 0}, "timestamp_too_old"),
        (
            {"type": "track", "event": "X", "userId": "u", "properties": {"a": float("nan")}},
            "invalid_value",
        ),
    ],
)
def test_bad_messages(message: Any, code: str) -> None:
    """What cannot be translated is not counted either, and says why."""
    engage = trait(include_anonymous=True)
    with pytest.raises(TranslationError) as caught:
        engage.take(message, T0)
    assert code == caught.value.failure.code
    assert said(feed(engage, T0)) == [1]


def test_a_message_stays_as_it_was() -> None:
    """Taking a message in does not change it, nor share anything with it."""
    message = track(properties={"n": [1]}, context={"traits": {"email": "a@x.example"}})
    before = copy.deepcopy(message)
    made = trait().take(message, T0)
    made[0]["traits"]["a"] = 9
    assert before == message


def test_output_is_json() -> None:
    """Every message is JSON."""
    engage = trait("sum")
    made = engage.take(track(properties={"n": 1e299}), T0)
    assert made == json.loads(json.dumps(made))


@pytest.mark.parametrize("window", [{}, {"within_days": 30}])
@pytest.mark.parametrize("then", [{}, {"then": {"did_not_perform": "Y"}}])
def test_memory_does_not_grow_with_events(window: Json, then: Json) -> None:
    """What is kept of a person depends on the hours of the window, not on the number of events."""

    def kept(events: int) -> int:
        engage = audience({"performed": "X", "at_least": 3, **window, **then})
        for number in range(events):
            at = T0 + number * 10 * HOUR // events
            engage.take(track("XXY"[number % 3], at), at)
        [person] = engage._people
        return len(pickle.dumps(person.states))

    assert kept(3000) <= 1.1 * kept(300)


def test_hours_that_have_passed_are_forgotten() -> None:
    """With a window, what is kept is that of its hours and of the one under way."""
    engage = trait(lookback_days=1)
    for hour in range(24 * 30):
        engage.take(track(at=T0 + hour * HOUR), T0 + hour * HOUR)
    [person] = engage._people
    assert len(person.states["a"][0].hours) == 25

from typing import Any

from tests.translator.engage.build import HOUR, T0, audience, said, trait
from translator.engage import Engage
from translator.engage.people import MAX_EMAILS

Json = dict[str, Any]


def identify(at: int = T0, **fields: Any) -> Json:
    return {"type": "identify", "timestamp": at, **fields}


def visit(visitor: str, event: str = "X", at: int = T0, **fields: Any) -> Json:
    return {"type": "track", "event": event, "anonymousId": visitor, "timestamp": at, **fields}


def alias(previous: Any, user: Any) -> Json:
    return {"type": "alias", "previousId": previous, "userId": user, "timestamp": T0}


def feed(engage: Engage, *messages: Json, at: int = T0) -> list[Json]:
    return [made for message in messages for made in engage.take(message, at)]


def to_whom(messages: list[Json]) -> list[Any]:
    """The ids that messages are for, with the address that goes with each."""
    return [
        (
            message.get("userId", message.get("anonymousId")),
            (message.get("traits") or message["context"]["traits"]).get("email"),
        )
        for message in messages
    ]


def test_anonymous_visitors_are_not_sent() -> None:
    """Without `include_anonymous`, nothing is sent for an anonymous visitor."""
    assert feed(trait(), visit("a")) == []


def test_anonymous_visitors_are_sent_on_request() -> None:
    """With `include_anonymous`, a visitor gets a call with the anonymousId."""
    [made] = feed(trait(include_anonymous=True), visit("a"))
    assert (made["anonymousId"], made.get("userId")) == ("a", None)


def test_what_a_visitor_did_counts_after_an_alias() -> None:
    """An alias gives the user the whole history of the visitor."""
    for included, values in ((True, [1, 2, 1, 3]), (False, [1, 3])):
        engage = trait(include_anonymous=included)
        made = feed(engage, visit("a"), visit("a"), visit("other", userId="u"), alias("a", "u"))
        assert values == said(made)


def test_only_an_alias_merges() -> None:
    """A call with both ids is the user's, and leaves the visitor's history where it is."""
    made = feed(trait(), visit("a"), visit("a", userId="u"), visit("a"))
    assert said(made) == [1]


def test_after_an_alias_the_visitor_is_the_user() -> None:
    """Calls of the visitor that come after the alias are the user's."""
    made = feed(trait(), alias("a", "u"), visit("a"))
    assert [(each["userId"], each["traits"]["a"]) for each in made] == [("u", 1)]


def test_an_alias_before_everything() -> None:
    """An alias links ids that are not known yet."""
    engage = trait()
    assert feed(engage, alias("a", "u")) == []
    assert said(feed(engage, visit("a"), visit("-", userId="u"))) == [1, 2]


def test_an_alias_twice() -> None:
    """An alias that is repeated, or to itself, changes nothing."""
    engage = trait()
    feed(engage, visit("a"), alias("a", "u"))
    assert feed(engage, alias("a", "u"), alias("u", "u")) == []


def test_a_member_is_not_sent_twice_for_a_second_visitor() -> None:
    """Taking in another visitor sends only what it changes."""
    engage = audience({"performed": "X"})
    assert said(feed(engage, visit("-", userId="u"))) == [True]
    assert feed(engage, visit("b"), alias("b", "u")) == []


def test_merged_users_get_a_call_each() -> None:
    """Two userIds of one person are two external ids."""
    engage = audience({"performed": "X"})
    feed(engage, visit("-", userId="u1"))
    assert to_whom(feed(engage, alias("u1", "u2"))) == [("u2", None)]
    assert feed(engage, visit("-", userId="u1")) == []


def test_three_addresses() -> None:
    """Three addresses are three calls, and the one seen last comes last."""
    addresses = [("b@x.example", 1), ("c@x.example", 2), ("a@x.example", 3), ("b@x.example", 4)]
    engage = audience({"performed": "X"}, send=["identify", "track"])
    for email, minute in addresses:
        assert (
            feed(engage, identify(T0 + minute, userId="u", traits={"email": email}), at=T0 + 9)
            == []
        )
    made = feed(engage, visit("-", userId="u", at=T0 + 9), at=T0 + 9)
    expected = [("u", email) for email in ("c@x.example", "a@x.example", "b@x.example")]
    for kind in ("identify", "track"):
        assert to_whom([each for each in made if each["type"] == kind]) == expected


def test_a_late_address_is_not_the_latest() -> None:
    """What counts is when an address was given, not when the message arrived."""
    engage = audience({"performed": "X"})
    feed(
        engage,
        identify(T0 + 5, userId="u", traits={"email": "new@x.example"}),
        identify(T0 + 1, userId="u", traits={"email": "old@x.example"}),
        at=T0 + 9,
    )
    made = feed(engage, visit("-", userId="u"), at=T0 + 9)
    assert [each["traits"]["email"] for each in made] == ["old@x.example", "new@x.example"]


def test_a_new_external_id_is_told() -> None:
    """A member's new address gets the value that the others have, and only it."""
    engage = audience({"performed": "X"})
    feed(engage, identify(userId="u", traits={"email": "a@x.example"}), visit("-", userId="u"))
    made = feed(engage, identify(userId="u", traits={"email": "b@x.example"}))
    assert to_whom(made) == [("u", "b@x.example")]


def test_an_address_in_the_context_counts() -> None:
    """Segment finds an address in `context.traits` of any call too."""
    engage = trait()
    [made] = feed(engage, visit("-", userId="u", context={"traits": {"email": "a@x.example"}}))
    assert made["traits"] == {"a": 1, "email": "a@x.example"}


def test_a_visitor_with_an_address_is_known() -> None:
    """A visitor with an address is not anonymous; calls have the anonymousId."""
    engage = trait()
    feed(engage, identify(anonymousId="a", traits={"email": "a@x.example"}))
    assert to_whom(feed(engage, visit("a"))) == [("a", "a@x.example")]


def test_numbers_and_digits_are_one_id() -> None:
    """The userId 5 and the userId "5" are the same person, who is sent the id that came first."""
    made = feed(trait(), visit("-", userId=5), visit("-", userId="5"))
    assert [(each["userId"], each["traits"]["a"]) for each in made] == [(5, 1), (5, 2)]


def test_a_forbidden_id_is_none() -> None:
    """People without an id are not one person called "null"."""
    made = feed(trait(include_anonymous=True), visit("a", userId="null"), visit("b", userId="null"))
    assert [(each["anonymousId"], each["traits"]["a"]) for each in made] == [("a", 1), ("b", 1)]


def test_a_merge_moves_what_is_due() -> None:
    """A window of the visitor goes on for the user."""
    engage = audience({"performed": "X", "within_days": 1}, include_anonymous=True)
    feed(engage, visit("a"))
    made = feed(engage, alias("a", "u")) + engage.advance(T0 + 26 * HOUR)
    assert [(each["userId"], each["traits"]["a"]) for each in made] == [("u", True), ("u", False)]


def test_a_merge_keeps_what_is_due() -> None:
    """An update of the user that is due goes on after a merge with an older visitor."""
    engage = audience({"performed": "X", "within_days": 1})
    feed(engage, visit("a", "Y", T0 - HOUR), at=T0 - HOUR)
    made = feed(engage, visit("-", userId="u"), alias("a", "u")) + engage.advance(T0 + 26 * HOUR)
    assert [(each["userId"], each["traits"]["a"]) for each in made] == [("u", True), ("u", False)]


def test_addresses_without_end() -> None:
    """Of very many addresses the latest are kept, and what went with others is forgotten."""
    engage = trait()
    for number in range(MAX_EMAILS + 20):
        email = f"{number}@x.example"
        feed(engage, identify(T0 + number, userId="u", traits={"email": email}), at=T0 + number)
        feed(engage, visit("-", userId="u", at=T0 + number), at=T0 + number)
    assert len(engage.sent_to("a")) == MAX_EMAILS
    assert engage.sent_to("a")[-1].email == f"{MAX_EMAILS + 19}@x.example"

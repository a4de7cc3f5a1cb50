"""Synthetic traffic from a seed: people visit, sign up, buy, and return.

The same seed gives the same messages, to the byte, and a shorter corpus is the beginning of a
longer one. Memory is bounded: 64 sessions run at a time, and only the last 1,000 people return.

Ids have the forms that Segment's libraries make: the message id of analytics.js 2 and of
analytics-node is `ajs-next-` or `node-next-`, the time in milliseconds and a UUID; the other
libraries make a UUID, which iOS writes in capitals.
"""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from conformance.corpus.hostile import make_hostile
from conformance.corpus.people import SyntheticPerson, person, random_uuid
from conformance.corpus.synth_calls import Session, first_visit, returning_visit
from conformance.spec.scenarios.loading import Json

START = datetime(2026, 6, 12, tzinfo=UTC)
"""The start time of the traffic, with every seed."""

MEAN_GAP_SECONDS = 0.25
SESSIONS = 64
REMEMBERED = 1_000

HOSTILE_SHARE = 0.03
OLD_SHARE = 0.01
"""Share of messages that were stored for days or years before they were sent."""

ZONES = ("+02:00", "-0800", "+0530", "+09")
"""Offsets from UTC, as libraries other than Segment's write them (ISO 8601 allows all forms)."""

AGES_DAYS = (1, 4, 6, 30, 400, 1900)
"""Storage times: less than five days, less than five years (the API secret is needed), and longer
(the translator refuses them)."""

OFFSET_SHARE = 0.05
"""Share of messages whose `timestamp` has an offset from UTC."""


def synth(messages: int, seed: int, *, clean: bool = False) -> Iterator[Json]:
    """Generate a number of Segment messages, in the order of their arrival.

    `clean` leaves out messages that a translator refuses or drops: hostile messages and those that
    were stored for more than five days.
    """
    random = Random(seed)  # noqa: S311 - not for secrets
    known: deque[SyntheticPerson] = deque(maxlen=REMEMBERED)
    sessions: list[tuple[SyntheticPerson, Session]] = []
    now, people = START, 0
    for _ in range(messages):
        now += timedelta(seconds=random.expovariate(1 / MEAN_GAP_SECONDS))
        call = None
        while call is None:
            if len(sessions) < SESSIONS:
                if known and random.random() < 0.6:
                    who = random.choice(known)
                    sessions.append((who, returning_visit(random, who)))
                else:
                    who = person(random, people)
                    sessions.append((who, first_visit(random, who, known)))
                    people += 1
            index = random.randrange(len(sessions))
            who, session = sessions[index]
            call = next(session, None)
            if call is None:
                del sessions[index]
        message = _stamped(call, who, now, random, AGES_DAYS[:2] if clean else AGES_DAYS)
        hostile = not clean and random.random() < HOSTILE_SHARE
        yield make_hostile(message, random) if hostile else message


def _stamped(
    call: Json, who: SyntheticPerson, now: datetime, random: Random, ages_days: tuple[int, ...]
) -> Json:
    """The call with its message id and its times: sent within seconds, or after days or years."""
    age = timedelta(seconds=random.uniform(0.02, 3))
    if random.random() < OLD_SHARE:
        age = timedelta(days=random.choice(ages_days))
    happened = now - age
    offset = random.random() < OFFSET_SHARE
    return {
        "messageId": _message_id(who, happened, random),
        **call,
        "originalTimestamp": _iso(happened),
        "timestamp": _with_offset(happened, random.choice(ZONES)) if offset else _iso(happened),
        "sentAt": _iso(now),
        "receivedAt": _iso(now + timedelta(milliseconds=random.randrange(20, 400))),
    }


def _message_id(who: SyntheticPerson, happened: datetime, random: Random) -> str:
    found = random_uuid(random)
    library = who.context["library"]["name"]
    prefix = {"analytics.js": "ajs-next", "@segment/analytics-node": "node-next"}.get(library)
    if prefix is not None:
        return f"{prefix}-{int(happened.timestamp() * 1000)}-{found}"
    return found.upper() if library == "analytics-ios" else found


def _with_offset(moment: datetime, zone: str) -> str:
    """The same instant in the local time of a zone."""
    sign = -1 if zone[0] == "-" else 1
    digits = zone[1:].replace(":", "").ljust(4, "0")
    local = moment + sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return _iso(local).replace("Z", zone)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

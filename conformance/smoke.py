"""The first thing that is done with a target: the simplest event, to see that it works at all.

A driver that is broken, or a server that sends elsewhere, would fail every scenario; this says so
once. A translator that is wrong passes: telling how it is wrong is what the scenarios are for.
"""

from typing import Any

from conformance.errors import DriverBroken
from conformance.loader import DEFAULT_CLOCK, Json
from conformance.mock import Mock
from conformance.target import CannotRun, SettingsRefused, Setup, Target, TargetFailed

SETTINGS: Json = {"token": "T"}
MESSAGE: Json = {
    "type": "track",
    "messageId": "smoke-1",
    "userId": "ann",
    "event": "Smoke",
    "properties": {},
    "context": {},
    "timestamp": DEFAULT_CLOCK,
}


def check(target: Target, mock: Mock) -> str:
    """What came of the simplest event, in words, if that says anything about the target.

    Raises DriverBroken if it does not.
    """
    mock.reset()
    mock.freeze(DEFAULT_CLOCK)
    setup = Setup(SETTINGS, "cloud", "documented", mock.base_urls, wait=mock.advance, mock=mock)
    try:
        session = target.open(setup)
    except (SettingsRefused, CannotRun) as error:
        raise DriverBroken(f"it takes no settings as simple as {SETTINGS}: {error}") from error
    try:
        session.deliver([dict[str, Any](MESSAGE)], mock.now())
    except TargetFailed as error:
        return f"the translator failed on the simplest event: {error}"
    except CannotRun as error:
        raise DriverBroken(f"it has no way to take the simplest event: {error}") from error
    finally:
        session.close()
    count = sum(len(request["payload"]) for request in mock.requests())
    return f"the simplest event made {count} record{'' if count == 1 else 's'} at the mock"

"""The first thing that is done with a target: the simplest event, to see that it works at all.

A driver that is broken, or a server that sends elsewhere, would fail every scenario; this says so
once. A translator that is wrong passes: telling how it is wrong is what the scenarios are for.
"""

from datetime import UTC, datetime

from conformance.errors import DriverBroken
from conformance.runner.mock import Mock
from conformance.spec.loading import DEFAULT_CLOCK, Json
from conformance.targets.black_box_target import WatchedTarget
from conformance.targets.by_name import External
from conformance.targets.target import CannotRun, SettingsRefused, Setup, TargetFailed


def check(target: External, mock: Mock) -> str:
    """What came of the simplest event, in words. Raises DriverBroken if that says nothing."""
    settings: Json = {"token": "T"}
    clock = DEFAULT_CLOCK
    if isinstance(target, WatchedTarget):
        settings = target.settings
        clock = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    mock.reset()
    mock.freeze(clock)
    about = target.about()
    setup = Setup(settings, "cloud", "documented", mock.base_urls, wait=mock.advance, mock=mock)
    message = {
        "type": "track",
        "messageId": "smoke-1",
        "userId": "ann",
        "event": "Smoke",
        "properties": {},
        "context": {},
        "timestamp": clock,
    }
    try:
        session = target.open(setup)
        try:
            [answer] = session.deliver([message], mock.now())
        finally:
            session.close()
    except TargetFailed as error:
        return f"it works, but the translator crashed on the simplest event: {error}"
    except (SettingsRefused, CannotRun) as error:
        raise DriverBroken(f"it cannot take the simplest event: {error}") from error
    count = sum(len(request["payload"]) for request in mock.requests())
    if answer.note:
        return f"it works, but the simplest event was refused: {answer.note}"
    if about.does == "deliver" and count == 0:
        hosts = ", ".join(f"{host} is {url}" for host, url in mock.base_urls.items())
        raise DriverBroken(f"it says it delivered an event, but nothing reached the mock: {hosts}")
    return f"it works: the simplest event made {count} record{'' if count == 1 else 's'}"

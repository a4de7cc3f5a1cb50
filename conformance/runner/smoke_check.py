"""Sends the simplest event through a target before the run, to check that the target works.

With a broken driver, or a server that sends elsewhere, every scenario would fail; this check
reports it once. A wrong translator passes the check: the scenarios report its errors.
"""

from datetime import UTC, datetime

from conformance.errors import DriverBroken
from conformance.runner.mock import Mock
from conformance.spec.scenarios.loading import DEFAULT_CLOCK, Json
from conformance.targets.target import CannotRun, SettingsRefused, Setup, Target, TargetFailed


def check(target: Target, mock: Mock) -> str:
    """The result of the simplest event, in words.

    Raises DriverBroken if no record was accepted, unless the translator says why: by an error, by
    refusing the call, or by crashing. Then the scenarios show what is wrong.
    """
    settings: Json = {"token": "T"}
    clock = DEFAULT_CLOCK
    if target.fixed_settings is not None:
        settings = target.fixed_settings
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
        return f"the target answers, but the translator crashed on the simplest event: {error}"
    except (SettingsRefused, CannotRun) as error:
        raise DriverBroken(f"it cannot take the simplest event: {error}") from error
    count = sum(
        verdict["accepted"] for request in mock.requests() for verdict in request["verdicts"]
    )
    if count:
        return f"it works: the simplest event made {count} record{'' if count == 1 else 's'}"
    if answer.note:
        return f"the target answers, but the simplest event was refused: {answer.note}"
    if answer.error:
        return (
            "the target answers, but no event arrived: it reports an error for the simplest one: "
            f"{answer.error.text}"
        )
    reasons = [f"{lost.endpoint}: {lost.text}" for lost in answer.undelivered]
    reasons += [", ".join(each["reasons"]) for each in mock.rejected()]
    if about.does == "deliver" and not reasons:
        hosts = ", ".join(f"{host} is {url}" for host, url in mock.base_urls.items())
        reasons = [f"it says it delivered, but nothing reached the mock: {hosts}"]
    why = "; ".join(reasons) or "it gave no operation for it"
    raise DriverBroken(f"the mock accepted no record of the simplest event: {why}")

"""Speaking to a driver: its valid answers, and the report of its failures."""

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.errors import DriverBroken, UsageError
from conformance.targets.drivers.driver import Driver
from conformance.targets.drivers.driver_process import DriverProcess, ProcessBroken
from conformance.targets.protocol import Refused, TranslatorFailed, Unsupported

FOLDER = Path(__file__).parents[2] / "drivers"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TRACK = {"type": "track", "messageId": "m1", "userId": "ann", "event": "Opened"}


def ours(*words: str) -> Driver:
    return Driver(f"{sys.executable} {FOLDER / 'ours.py'} {' '.join(words)}")


def odd(way: str, **options: float) -> Driver:
    return Driver(f"{sys.executable} {FOLDER / 'odd.py'} {way}", **options)


def test_what_a_driver_says_of_itself() -> None:
    """The answer to `start` has name, work, modes, rules and what it reports; more is ignored."""
    with ours("translate", "documented-only") as driver:
        about = driver.start({"token": "T"})
    assert (about.name, about.does, *map(sorted, (about.modes, about.rules, about.tells))) == (
        "ours",
        "translate",
        ["cloud"],
        ["documented"],
        ["errors", "settings", "skipped", "undelivered"],
    )


def test_messages_are_answered_in_order() -> None:
    """There is one answer for each message, with its operations at the time that was given."""
    messages = [TRACK, {**TRACK, "type": "page"}, 5, {**TRACK, "event": "é\ud800 \U0001f600"}]
    with ours("translate") as driver:
        driver.start({"token": "T"})
        first, second, third, fourth = driver.translate(messages, NOW)
        driver.stop()
    assert (
        first["operations"][0]["endpoint"],
        first["operations"][0]["payload"]["properties"]["time"],
    ) == ("/track", 1781524800)
    assert [each["code"] for each in second["skipped"]] == ["page_not_selected"]
    assert [each["error"]["code"] for each in (third, fourth)] == ["not_an_object", "invalid_value"]


def test_start_begins_anew() -> None:
    """The settings of one `start` are forgotten at the next."""
    with ours("translate") as driver:
        tokens = []
        for token in ("A", "B"):
            driver.start({"token": token})
            [answer] = driver.translate([TRACK], NOW)
            tokens.append(answer["operations"][0]["payload"]["properties"]["token"])
    assert tokens == ["A", "B"]


def test_settings_can_be_refused_or_unsupported() -> None:
    """A wrong setting and an unsupported setting raise different errors."""
    with ours("translate", "no-groups") as driver:
        with pytest.raises(Refused, match="'peple': "):
            driver.start({"token": "T", "peple": True})
        with pytest.raises(Unsupported, match="it knows no groups"):
            driver.start({"token": "T", "groupIdentifierTraits": ["company"]})


def test_a_translator_may_crash() -> None:
    """A crash that the driver caught is the translator's, and the driver goes on."""
    with ours("translate") as driver:
        driver.start({"token": "T"}, rules="documented")
        with pytest.raises(TranslatorFailed, match="AssertionError"):
            driver.deliver([TRACK], NOW)
        assert len(driver.translate([TRACK], NOW)) == 1


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("other-protocol", "'protocol' must be 1, as asked, not 2"),
        ("no-work", "'does' must be 'translate' or 'deliver'"),
        ("odd-word", "'tells' can hold errors, settings, skipped, undelivered, not 'all'"),
        ("words-as-text", "'modes' must be a list of words"),
        ("refuses-nothing", "'refused' must be an object with the 'key'"),
        ("failed-as-number", "'failed' must be text"),
        ("list", r"answered 'start' with a value that is not a JSON object: \[\]"),
        ("nan", "invalid JSON .NaN is not JSON"),
        ("not-json", r"answered 'start' with invalid JSON .*: Traceback \(most recent"),
        ("half-a-line", "command 'start': the program ended with exit status 0 and did not answer"),
        ("ends", "ended with exit status 1 .*\n    no such file: config.toml"),
    ],
)
def test_a_driver_that_breaks_at_the_start(way: str, text: str) -> None:
    """The error says what was asked, what came instead, and what the driver wrote to stderr."""
    with odd(way) as driver, pytest.raises(DriverBroken, match=text):
        driver.start({"token": "T"})


def test_a_program_that_ended_before_it_was_asked() -> None:
    """The error gives the exit status, whether the program ended before the command or after."""
    process = DriverProcess([sys.executable, "-c", "raise SystemExit(7)"])
    process._process.wait()
    process._readers[0].join()
    with pytest.raises(ProcessBroken) as error:
        process.exchange("{}\n", 10)
    assert str(error.value) == "the program ended with exit status 7 before it got the command"
    assert process.end() == ""


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("no-answers", "the answer to 'translate': 'answers' must be a list with one object"),
        ("too-many", "'answers' must be a list with one object for each message"),
        ("no-operations", r"answers\[0\]: 'operations' is missing"),
        ("no-payload", r"answers\[0\]: operations\[0\]: 'payload' must be an object"),
        ("error-as-text", r"answers\[0\]: error: must be an object"),
        ("answer-as-text", r"answers\[0\]: must be an object"),
        ("not-utf8", "'translate': the program answered with bytes that are not UTF-8"),
        (
            "other-message",
            r"answers\[0\]: 'messageId' is 'm9', but this message has 'm1'; answers must have",
        ),
        ("no-path", r"operations\[0\]: 'endpoint' must be a path such as '/track', not 'track'"),
        ("operations-as-object", r"answers\[0\]: 'operations' must be a list"),
        # Which of the two it is depends on when its second line comes.
        (
            "twice",
            "'translate': the program wrote a line before it got the command|.answers. must be",
        ),
        (
            "dies-later",
            "'translate': the program ended with exit status 1 and did not answer.*\n.*out",
        ),
    ],
)
def test_a_driver_that_breaks_later(way: str, text: str) -> None:
    """So does an answer to messages that has not the right form."""
    with odd(way) as driver:
        driver.start({"token": "T"})
        with pytest.raises(DriverBroken, match=text):
            driver.translate([TRACK], NOW)


def test_a_driver_that_is_silent() -> None:
    """A driver that does not answer in time is ended."""
    with (
        odd("silent", timeout_seconds=0.5) as driver,
        pytest.raises(
            DriverBroken, match=r"command 'start': the program did not answer within 0\.5 seconds"
        ),
    ):
        driver.start({"token": "T"})


def test_a_driver_that_does_not_read() -> None:
    """Nor does one that takes no more input hold up the suite."""
    program = "import time; input(); print(GOOD, flush=True); time.sleep(600)"
    program = program.replace("GOOD", repr('{"protocol": 1, "does": "translate"}'))
    command = shlex.join([sys.executable, "-c", program])
    with Driver(command, timeout_seconds=1) as driver:
        driver.start({"token": "T"})
        with pytest.raises(DriverBroken, match="did not answer within 1 seconds"):
            driver.translate([{**TRACK, "properties": {"long": "x" * 1_000_000}}], NOW)


def test_a_broken_driver_is_started_again() -> None:
    """After a failure the next `start` begins another process."""
    with odd("dies-later") as driver:
        for _ in range(2):
            driver.start({"token": "T"})
            with pytest.raises(DriverBroken, match="out of memory"):
                driver.translate([TRACK], NOW)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("no-such-program --x", "exec:no-such-program --x: cannot be started: "),
        ("'open", "exec:'open: No closing quotation"),
        ("", "exec: needs a command"),
    ],
)
def test_what_cannot_be_started_is_a_usage_error(command: str, text: str) -> None:
    """A command that is not there is the caller's mistake, and named."""
    with pytest.raises(UsageError, match=text), Driver(command) as driver:
        driver.start({"token": "T"})

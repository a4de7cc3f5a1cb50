"""Captures: the requests of the classic integration, compared with those of the observed rules.

A capture gives the settings under the classic code's keys, the time, one message, and the requests.
Endpoint, record and order of all requests are compared exactly, and whether there was an error and
at which stage; the words of an error depended on the JavaScript runtime.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Protocol

from conformance.errors import DataError
from conformance.runner.compare import Difference, compare, compare_sequence
from conformance.runner.outcomes import REDACTED, Outcome, Verdict
from conformance.spec.citations.sources import capture_ids
from conformance.spec.data import read
from conformance.spec.scenarios.loading import Json
from conformance.spec.yaml_text import parse_yaml
from conformance.targets.target import Translate
from translator import Rules, Settings, SettingsError, translate

FILE = "cloud-classic.jsonl"

MAX_DEFECTS = 26
"""A tenth of the captures. With more defects, "reproduced" would mean little."""

RENAMED: Mapping[str, str] = {"apiKey": "apiSecret", "increments": "eventIncrements"}
"""The classic code's key of a setting -> Segment's."""

SWITCHES = (
    "people",
    "consolidatedPageCalls",
    "trackAllPages",
    "trackCategorizedPages",
    "trackNamedPages",
    "legacySuperProperties",
)
"""Settings that are off in the classic code if they are absent or null."""


class Recorded(Protocol):
    """A capture of any mode, and its comparison with a translator's outcome."""

    @property
    def id(self) -> str: ...

    @property
    def area(self) -> str: ...

    @property
    def mode(self) -> str: ...

    def given(self) -> Json:
        """The input, in the form of a scenario."""

    def seen(self) -> Json:
        """The recording, in the form of an outcome."""

    def outcome(self, rules: Rules, translate: Translate = translate) -> Json:
        """The result of the translator under some rules."""

    def compare(self, expected: Json, actual: Json) -> list[Difference]:
        """Every difference between two outcomes."""


@dataclass(frozen=True)
class Capture:
    """One recorded call. `stage` is where it failed, None if it did not."""

    id: str
    area: str
    settings: Json
    now: datetime
    message: Any
    requests: list[Json]
    stage: str | None
    mode = "cloud"

    def given(self) -> Json:
        """The input, in the form of a scenario."""
        return {
            "clock": self.now.isoformat(),
            "settings": {**self.settings, "apiKey": REDACTED},
            "steps": [{"messages": [self.message]}],
        }

    def seen(self) -> Json:
        """The requests, and the stage of an error or None."""
        return {"requests": self.requests, "stage": self.stage}

    def outcome(self, rules: Rules, translate: Translate = translate) -> Json:
        """The result of the translator: `requests`, and the `stage` of an error or None."""
        return outcome(self, rules, translate)

    def compare(self, expected: Json, actual: Json) -> list[Difference]:
        """Every difference between two outcomes."""
        return compare_outcomes(expected, actual)


@dataclass(frozen=True)
class Defect:
    """The reason why a capture is not reproduced, and the paths that differ."""

    id: str
    defect: str
    why: str
    paths: tuple[str, ...]


class Standing(StrEnum):
    """The result of a capture under the observed rules."""

    REPRODUCED = "reproduced"
    DEFECT = "defect"
    FAILED = "failed"


@dataclass(frozen=True)
class Reproduction:
    """A capture against a translator. `defect` is its entry in defects.yaml, if it has one."""

    capture: Recorded
    differences: tuple[Difference, ...]
    defect: Defect | None
    actual: Json

    @property
    def standing(self) -> Standing:
        """Reproduced; different in exactly the paths of its defect; or failed."""
        if self.defect is None:
            return Standing.FAILED if self.differences else Standing.REPRODUCED
        found = {difference.path for difference in self.differences}
        return Standing.DEFECT if found == set(self.defect.paths) else Standing.FAILED

    @property
    def outcome(self) -> Outcome:
        """The standing in the form of reports; a defect is an expected failure."""
        verdict, reason = Verdict.PASS, ""
        if self.standing is Standing.DEFECT and self.defect:
            verdict, reason = Verdict.EXPECTED_FAILURE, f"{self.defect.defect}: {self.defect.why}"
        elif self.standing is Standing.FAILED:
            verdict = Verdict.FAIL
            if self.defect and not self.differences:
                verdict = Verdict.STALE
                reason = "it is reproduced now; remove its entry from defects.yaml"
            elif self.defect:
                reason = f"beyond its defect, {self.defect.defect}: {', '.join(self.defect.paths)}"
        return of_capture(
            self.capture,
            "observed",
            verdict,
            reason=reason,
            differences=self.differences,
            expected=self.capture.seen(),
            actual=self.actual,
        )


def of_capture(capture: Recorded, rules: str, verdict: Verdict, **more: Any) -> Outcome:
    """An outcome that describes the capture; `more` are the fields of its result."""
    return Outcome(
        kind="capture",
        id=capture.id,
        title=f"What the classic integration sent: {capture.area}",
        level="must",
        mode=capture.mode,
        rules=rules,
        source=(f"capture:{capture.id}",),
        verdict=verdict,
        tags=("capture", capture.area, capture.mode),
        given=capture.given(),
        **more,
    )


@cache
def load_captures() -> tuple[Capture, ...]:
    """All captures in the order of the file."""
    return tuple(_capture(json.loads(line)) for line in read("captures", FILE).splitlines())


@cache
def load_defects() -> Mapping[str, Defect]:
    """The captures that show a defect, by id. Raises DataError for a wrong table."""
    defects = {}
    for row in parse_yaml(read("captures", "defects.yaml")):
        defects[row["id"]] = Defect(row["id"], row["defect"], row["why"], tuple(row["paths"]))
    unknown = defects.keys() - capture_ids()
    if unknown:
        raise DataError(f"captures/defects.yaml: there is no capture {sorted(unknown)[0]!r}")
    if len(defects) > MAX_DEFECTS:
        raise DataError(f"captures/defects.yaml: {len(defects)} entries; at most {MAX_DEFECTS}")
    return defects


def destination_settings(classic: Json) -> Json:
    """A capture's settings under Segment's keys, with absent switches off."""
    settings = {RENAMED.get(key, key): value for key, value in classic.items() if value is not None}
    return settings | {key: bool(settings.get(key)) for key in SWITCHES}


def outcome(capture: Capture, rules: Rules, translate: Translate = translate) -> Json:
    """The result of the translator for a capture: `requests`, and the `stage` of an error or
    None."""
    try:
        settings = Settings.from_json(destination_settings(capture.settings))
    except SettingsError:
        return {"requests": [], "stage": "validate"}
    result = translate(capture.message, settings, now=capture.now, mode="cloud", rules=rules)
    stage = None
    if result.error:
        stage = "unsupported" if result.error.code == "unsupported_call" else "validate"
    requests = [
        {"endpoint": operation.endpoint, "record": operation.payload}
        for operation in result.operations
    ]
    return {"requests": requests, "stage": stage}


def reproduce(capture: Recorded, translate: Translate = translate) -> Reproduction:
    """The capture under the observed rules."""
    actual = capture.outcome(Rules.observed(), translate)
    differences = capture.compare(capture.seen(), actual)
    return Reproduction(capture, tuple(differences), load_defects().get(capture.id), actual)


def compare_outcomes(expected: Json, actual: Json) -> list[Difference]:
    """Every difference between two outcomes."""
    return compare_sequence("requests", expected["requests"], actual["requests"]) + compare(
        "stage", expected["stage"], actual["stage"]
    )


def _capture(line: Json) -> Capture:
    return Capture(
        id=line["id"],
        area=line["area"],
        settings=line["settings"],
        now=datetime.fromisoformat(line["now"]),
        message=line["message"],
        requests=[
            {"endpoint": request["path"], "record": request["data"]} for request in line["requests"]
        ],
        stage=line["error"]["stage"] if "error" in line else None,
    )

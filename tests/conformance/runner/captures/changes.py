"""Captures with one value changed, which must then differ."""

import copy
import dataclasses
from typing import Any, TypeVar

from conformance.runner.captures.mobile import MobileCapture
from conformance.runner.captures.web import DeviceCapture

Capture = TypeVar("Capture", DeviceCapture, MobileCapture)


def changed(capture: Capture, *path: str | int, to: object) -> Capture:
    """The capture with another value at one place."""
    line = copy.deepcopy(capture.line)
    place: Any = line
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return dataclasses.replace(capture, line=line)

"""The targets by name."""

from collections.abc import Iterator
from contextlib import contextmanager

from conformance.errors import UsageError
from conformance.spec.scenarios.loading import Json
from conformance.targets.builtin import Builtin
from conformance.targets.drivers.exec import ExecTarget
from conformance.targets.servers.black_box import WatchedTarget
from conformance.targets.servers.controlled import HttpTarget
from conformance.targets.target import Target

KINDS = "'builtin', 'exec:CMD' (a driver) or 'http:URL' (a server); see docs/how-to/targets.md"


@contextmanager
def target_named(
    name: str, settings: Json | None = None, *, timeout_seconds: float = 30
) -> Iterator[Target]:
    """The target of `--target`, until the context ends; `settings` are what a server has.

    Raises UsageError if there is no such target.
    """
    kind, _, rest = name.partition(":")
    if settings is not None and kind not in ("http", "https"):
        raise UsageError("--settings: only a server has settings of its own")
    if name == "builtin":
        yield Builtin()
        return
    target: ExecTarget | HttpTarget | WatchedTarget
    if kind == "exec" and rest:
        target = ExecTarget(rest, timeout_seconds=timeout_seconds)
    elif kind in ("http", "https") and rest:
        url = name if rest.startswith("//") else rest
        if settings is None:
            target = HttpTarget(url, timeout_seconds=timeout_seconds)
        else:
            target = WatchedTarget(url, settings, timeout_seconds=timeout_seconds)
    else:
        raise UsageError(f"unknown target {name!r}: use {KINDS}")
    try:
        yield target
    finally:
        target.close()

"""The targets by name, and a first look at whether one works at all."""

from collections.abc import Iterator
from contextlib import contextmanager

from conformance.errors import UsageError
from conformance.target import Builtin, Target
from conformance.target_exec import ExecTarget

External = ExecTarget
"""The kinds of target that are programs of their own: a driver can be broken."""

KINDS = "'builtin', 'exec:CMD' (a driver, see docs/targets.md)"


@contextmanager
def target_named(name: str, *, timeout_seconds: float = 30) -> Iterator[Target]:
    """The target of `--target`, until the context ends. Raises UsageError if there is none."""
    kind, _, rest = name.partition(":")
    if name == "builtin":
        yield Builtin()
    elif kind == "exec" and rest:
        target = ExecTarget(rest, timeout_seconds=timeout_seconds)
        try:
            yield target
        finally:
            target.close()
    else:
        raise UsageError(f"unknown target {name!r}: use {KINDS}")

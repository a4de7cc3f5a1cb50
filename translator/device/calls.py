"""A call on the vendor's SDK: its method and arguments."""

import math
from typing import Any, NamedTuple

from translator.device.web.dates import Date, json_text, write_dates


class Function(NamedTuple):
    """An argument that is a function."""


LOADED = Function()
"""The callback that the SDK runs when it is ready; its effects are the calls that follow."""


class MethodCall(NamedTuple):
    """One method call. `people.` and `getGroup().` name the object of the method.

    Arguments are JSON values, numbers that are not finite, dates (`Date`) and `LOADED`. The method
    `!throw` records an exception that leaves the classic integration: its argument is the
    exception's text, and the message makes no further calls.
    """

    method: str
    args: tuple[Any, ...] = ()

    def as_json(self) -> list[Any]:
        """`[method, ...args]`.

        Dates are `{"$date": ISO 8601}`, functions `<function>`, and numbers that JSON does not
        have `<NaN>`, `<Infinity>` or `<-Infinity>`.
        """
        return [self.method, *map(_argument, self.args)]


def call(method: str, *args: Any) -> MethodCall:
    """A call of the method with these arguments."""
    return MethodCall(method, args)


def _argument(value: Any) -> Any:
    if isinstance(value, Function):
        return "<function>"
    if isinstance(value, float) and not math.isfinite(value):
        return "<NaN>" if math.isnan(value) else f"<{'-' * (value < 0)}Infinity>"
    if isinstance(value, dict):
        return {key: _argument(item) for key, item in value.items()}
    return write_dates(value, _date)


def _date(date: Date) -> dict[str, Any]:
    return {"$date": json_text(date)}

"""A call on the vendor's SDK: its method and arguments."""

from typing import Any, NamedTuple

from translator.device.web.dates import Date, json_text, write_dates


class Function(NamedTuple):
    """An argument that is code; what it does is told by the calls that follow."""


LOADED = Function()


class Call(NamedTuple):
    """One method call; methods of `mixpanel.people` and of groups carry their object's name.

    Arguments are values, dates (`Date`) and `LOADED`. `!throw` stands for an error of the classic
    integration that no one catches: its argument is the text, and the message goes no further.
    """

    method: str
    args: tuple[Any, ...] = ()

    def as_json(self) -> list[Any]:
        """`[method, ...args]`, dates as `{"$date": ISO 8601}`, code as `<function>`."""
        return [self.method, *map(_argument, self.args)]


def call(method: str, *args: Any) -> Call:
    """A call of a method."""
    return Call(method, args)


def _argument(value: Any) -> Any:
    if isinstance(value, Function):
        return "<function>"
    if isinstance(value, dict):
        return {key: _argument(item) for key, item in value.items()}
    return write_dates(value, _date)


def _date(date: Date) -> dict[str, Any]:
    return {"$date": json_text(date)}

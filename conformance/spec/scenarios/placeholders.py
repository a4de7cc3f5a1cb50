"""The two placeholders of an expectation: `<insert_id>` and `<insert_id:LABEL>`."""

import re
from typing import Any

_PLACEHOLDER = re.compile(r"<insert_id(?::([^<>]+))?>")
_INSERT_ID = re.compile(r"[A-Za-z0-9-]{1,36}", re.ASCII)


def is_insert_id(value: Any) -> bool:
    """Whether Mixpanel takes the value: text of 1 to 36 bytes of letters, digits and dashes.

    Source: docs/facts/mixpanel-http-api.md#strict-validation.
    """
    return isinstance(value, str) and _INSERT_ID.fullmatch(value) is not None


class Placeholders:
    """The values of the labels of one scenario: equal labels have equal values, others differ."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def fill(self, expected: Any, actual: Any) -> Any:
        """`expected` with the placeholders replaced that `actual` satisfies at the same place.

        A placeholder that is not satisfied stays, or becomes the value that its label already has,
        so that a comparison shows the difference.
        """
        if isinstance(expected, dict) and isinstance(actual, dict):
            return {
                key: self.fill(value, actual[key]) if key in actual else value
                for key, value in expected.items()
            }
        if isinstance(expected, list) and isinstance(actual, list):
            paired = zip(expected, actual, strict=False)
            return [self.fill(*pair) for pair in paired] + expected[len(actual) :]
        if isinstance(expected, str) and (match := _PLACEHOLDER.fullmatch(expected)):
            return self._value(expected, match[1], actual)
        return expected

    def _value(self, placeholder: str, label: str | None, actual: Any) -> Any:
        if label in self._values:
            return self._values[label]
        if not is_insert_id(actual):
            return placeholder
        if label is None:
            return actual
        for other, value in self._values.items():
            if value == actual:
                return f"{placeholder}, another one than <insert_id:{other}>"
        self._values[label] = actual
        return actual

"""Parses JSON and checks its shape in one step.

Nearly all requests are shallow: few lists and objects are inside each other, and none has very many
members. msgspec checks that while it parses, so such records need no check of their shape. The
parser in `records` reads all other requests.
"""

from typing import Annotated, Any, TypeAlias

from msgspec import DecodeError, Meta
from msgspec.json import Decoder

MOST_MEMBERS = 255
"""Of a list or object below the list of records."""
NESTING = 3
"""Lists and objects inside each other, in the value of a property."""
DEPTH = NESTING + 3
"""Lists and objects inside each other, in a whole request: list, record, `properties`, values."""

_SIZE = Meta(max_length=MOST_MEMBERS)
_Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]  # `records` reads larger ones.
_Scalar: TypeAlias = str | _Integer | float | bool | None
_Flat: TypeAlias = _Scalar | Annotated[list[_Scalar], _SIZE] | Annotated[dict[str, _Scalar], _SIZE]
_Deeper: TypeAlias = _Scalar | Annotated[list[_Flat], _SIZE] | Annotated[dict[str, _Flat], _SIZE]
_Value: TypeAlias = _Scalar | Annotated[list[_Deeper], _SIZE] | Annotated[dict[str, _Deeper], _SIZE]
"""Up to NESTING lists and objects inside each other."""
_Field: TypeAlias = _Scalar | Annotated[list[_Value], _SIZE] | Annotated[dict[str, _Value], _SIZE]
"""Of a record: `event`, `properties`."""
_Record: TypeAlias = dict[str, _Field]

_decode = Decoder(list[_Record] | _Record).decode


def parse_shallow(text: bytes) -> Any:
    """The records in a JSON text, as a list or as one object; None if the text is not shallow.

    The text of the result is valid UTF-8, and its integers have at most 64 bits.
    """
    try:
        return _decode(text)
    except (DecodeError, UnicodeDecodeError):
        return None

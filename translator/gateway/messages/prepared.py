"""A message on its way from the request to the spool."""

from typing import NamedTuple

from translator.core.operations import Result
from translator.sender.books.spool_records import IncomingMessage


class Prepared(NamedTuple):
    """A message that is translated and ready for the spool. `kind` is its type, or empty."""

    incoming: IncomingMessage
    result: Result
    kind: str

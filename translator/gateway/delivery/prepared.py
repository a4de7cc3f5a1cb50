"""A message on its way from its translation to the spool."""

from typing import NamedTuple

from translator.gateway.translation.source_translation import TranslatedMessage
from translator.sender.books.spool_records import IncomingMessage


class Prepared(NamedTuple):
    """A message that is translated, and the same one as it goes into the spool."""

    incoming: IncomingMessage
    translated: TranslatedMessage

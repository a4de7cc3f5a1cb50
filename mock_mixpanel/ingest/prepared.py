"""A cache of replies and row heads, for requests to /track that repeat a head.

Clients repeat the heads of their requests. If all records of a request to /track are plain events
of one project, its reply and its row in the log depend on nothing but the head, the token, the
settings, the time, the number of records and their text, unless a form has control parameters.
`endpoints` makes a `PreparedRequest` from the first such request, and uses it for the later ones
until the settings change.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mock_mixpanel.ingest.decoding.records import Decoded
from mock_mixpanel.ingest.http_request import Envelope
from mock_mixpanel.ingest.replies import Reply
from mock_mixpanel.ingest.tokens import shared_token
from mock_mixpanel.ingest.verdicts.record_checker import LONGEST_KEPT_TOKEN, CheckTerms
from mock_mixpanel.log.records import Arrival
from mock_mixpanel.log.row_codec import HeadTemplate, Packed

MOST_TOKENS = 10
"""Projects for which a request is prepared for each head; there may be a thousand heads."""


class PreparedRequest(NamedTuple):
    """The common parts of requests with one head and only plain events of one project.

    `memo` is the memo of the settings; under other settings the parts are not valid.
    """

    memo: Mapping[Any, Any]
    terms: CheckTerms
    reply: Reply
    head: HeadTemplate

    def pack(self, decoded: Decoded, now: float) -> Packed | None:
        """The row of a request that arrives at virtual time `now` (seconds).

        None if not all its records are plain events of the project, or if it exceeds a limit.
        """
        records, text, size = decoded.records, decoded.text, decoded.size
        limits, _, plain, check = self.terms
        if len(records) > limits.records or size > limits.body_bytes:
            return None
        if text is None or check is None or not check.all(records, now, plain.token, text):
            return None
        return Packed(plain.token, len(records), self.head.at(now, len(records)), text)


def has_controls_of_head(envelope: Envelope, decoded: Decoded) -> bool:
    """Whether all control parameters of a request are in its query, which wins over a form."""
    return decoded.controls.keys() <= envelope.query.keys()


def find(envelope: Envelope, memo: Mapping[Any, Any], decoded: Decoded) -> PreparedRequest | None:
    """The prepared request for this head and for the project of the first record, or None.

    `memo` is that of the current settings. The records must be from `parse_shallow`.
    """
    if not envelope.kept or not has_controls_of_head(envelope, decoded):
        return None
    token = shared_token(decoded.records[:1])
    found: PreparedRequest | None = envelope.kept.get((PreparedRequest, token))
    return found if found and found.memo is memo else None


def keep(
    envelope: Envelope,
    memo: Mapping[Any, Any],
    terms: CheckTerms,
    reply: Reply,
    arrival: Arrival,
) -> None:
    """Keep a `PreparedRequest` made from a request whose records are all plain under the terms.

    A request with a long token is not kept, because it would take much memory.
    """
    token = terms.plain.token
    delay = terms.options.alias_delay if terms.options else 0
    head = HeadTemplate.of(arrival.exchange, arrival.verdicts[0], delay)
    if head and len(token) <= LONGEST_KEPT_TOKEN:
        if len(envelope.kept) >= MOST_TOKENS:
            envelope.kept.clear()
        envelope.kept[PreparedRequest, token] = PreparedRequest(memo, terms, reply, head)

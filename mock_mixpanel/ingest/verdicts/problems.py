"""The reasons why a single record is refused or dropped: one record type, and the texts with
sources."""

from typing import NamedTuple


class Problem(NamedTuple):
    """One reason against a record.

    `reason` is short and stable. `silent`: Mixpanel still answers success. `field` and `message`
    are what a strict import says; both have a default made from the reason.
    """

    reason: str
    silent: bool = False
    field: str = ""
    message: str = ""

    def strict(self) -> tuple[str, str]:
        """Field and message for `failed_records`; wording without a source is a choice
        (docs/facts/mixpanel-http-api.md#strict-validation)."""
        name, _, rest = self.reason.partition(": ")
        field = self.field or name.partition(",")[0]
        return field, self.message or f"'{field}' is invalid: {rest or self.reason}"


NO_DATA = Problem("data, missing or empty", field="data", message="data, missing or empty")
NO_TOKEN = Problem("token, missing or empty", field="token", message="token, missing or empty")
NO_DISTINCT_ID = Problem("$distinct_id, missing or empty")
INVALID_BASE64 = "data, invalid base64 encoding"
"""Error texts that Mixpanel is known to send (docs/facts/mixpanel-http-api.md#track-responses,
docs/facts/mixpanel-http-api.md#profile-responses; that of base64: zevarito/mixpanel#84)."""

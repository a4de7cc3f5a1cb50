"""Charges: the revenue of an order as a transaction on the profile.

Sources: doc#track-charge, docs/facts/cloud-classic.md#increments-and-revenue; amounts in text:
decision:charge-amount.
"""

import re
from math import isfinite

from translator.core.compiled_settings import CompiledSettings
from translator.core.errors import skip
from translator.core.message import Message
from translator.core.operations import Json, Operation, OperationOrSkip
from translator.core.properties.call_context import CallContext
from translator.core.properties.property_names import PropertyNames
from translator.core.values.amounts import read_amount
from translator.core.values.json_values import date_ms, detached
from translator.core.values.timestamps import iso_seconds

_LEADING_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
NOT_AN_AMOUNT = (
    "not one amount that can be read without doubt, so there is no charge; "
    "send a number, such as 1234.5"
)
"""The reason of a skipped charge."""

_COMPLETED_ORDER = re.compile(r"completed ?order", re.IGNORECASE)


def charge_operations(
    message: Message,
    context: CallContext,
    compiled: CompiledSettings,
    event: str | None,
    properties: Json,
    names: PropertyNames,
) -> list[OperationOrSkip]:
    """The transaction of a call with `revenue`. `names` is the meaning of the properties' names."""
    revenue = None if names.revenue is None else properties[names.revenue]
    amount = charge_amount(revenue, compiled)
    missing = revenue in (None, False, "") or revenue == 0
    if missing and event and not compiled.doc["charge_total"] and _COMPLETED_ORDER.search(event):
        amount = None if names.total is None else charge_amount(properties[names.total], compiled)
    if not amount:
        if revenue and amount is None:
            reason = f"revenue {revenue!r:.40}: {NOT_AN_AMOUNT}"
            return [skip("not_a_number", reason)]
        return []
    if compiled.doc["charge_needs_people"] and not compiled.settings.people:
        reason = "revenue is a charge only with 'people' (Use Mixpanel People) on"
        return [skip("people_off", reason)]
    transaction: Json = {"$amount": amount}
    if message.time_ms is not None:
        transaction["$time"] = iso_seconds(message.time_ms)
    payload: Json = {"$token": compiled.token, "$append": {"$transactions": transaction}}
    if message.distinct_id is not None:
        payload["$distinct_id"] = message.distinct_id
    elif compiled.doc["missing_ids"]:
        return [skip("unknown_user", "a charge needs a userId or an anonymousId")]
    if message.context.get("ip") is not None:
        payload["$ip"] = detached(message.context["ip"])
    if not context.active:
        payload["$ignore_time"] = True
    return [Operation("/engage", compiled.host, payload)]


def charge_amount(value: object, compiled: CompiledSettings) -> int | float | None:
    """The amount of a revenue: a number, or text read by the rule `charge_grouped_digits`."""
    if type(value) is int or type(value) is float:
        return value
    if type(value) is not str:
        return None
    return read_amount(value) if compiled.doc["charge_grouped_digits"] else _leading_number(value)


def _leading_number(text: str) -> int | float | None:
    """The number at the start of a text, as the classic integration read it."""
    if date_ms(text) is not None:
        return None
    number = _LEADING_NUMBER.match(text.replace("$", ""))
    if number is None:
        return None
    amount = float(number.group(1))
    if not isfinite(amount):
        return None
    return int(amount) if amount.is_integer() and abs(amount) < 2**53 else amount

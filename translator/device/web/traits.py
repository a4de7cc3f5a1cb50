"""The traits of an identify call as the web integration prepares them
(docs/facts/device-mode.md#web-identify).

The eight special traits are found in any case and punctuation, and some are derived from others: a
first name from a full name, an e-mail address from the user id. Only the camel-case spelling is
replaced.
"""

from collections.abc import Callable, Mapping
from typing import Any

from translator.core.errors import skip
from translator.core.operations import Json, Skip
from translator.core.properties.traits import is_email
from translator.core.values.json_values import normalised
from translator.device.message import DeviceMessage
from translator.device.web import js
from translator.device.web.dates import Date, iso_milliseconds, new_date, write_dates

WEB_SPECIAL_TRAITS: Mapping[str, str] = {
    "created": "$created",
    "email": "$email",
    "firstName": "$first_name",
    "lastName": "$last_name",
    "lastSeen": "$last_seen",
    "name": "$name",
    "username": "$username",
    "phone": "$phone",
}
"""Trait -> Mixpanel's property, in the order in which they are added."""


class WebTraits:
    """The traits of one call, with getters for the special ones."""

    def __init__(self, message: DeviceMessage) -> None:
        self._doc = message.compiled.doc
        self.user_id = message.raw.get("userId")
        self.raw = message.object_field("traits")
        if js.truthy(self.user_id):
            self.raw["id"] = self.user_id

    def find(self, trait: str) -> Any:
        """The first trait of this name, in any case and punctuation."""
        wanted = trait.lower()
        return next((value for key, value in self.raw.items() if normalised(key) == wanted), None)

    def _text(self, trait: str) -> str | None:
        value = self.find(trait)
        return js.trim(value) if isinstance(value, str) else None

    def email(self) -> Any:
        """The e-mail address: the trait, else a user id that has the form of one."""
        email = self.find("email")
        if js.truthy(email):
            return email
        return self.user_id if is_email(self.user_id) else None

    def username(self) -> Any:
        """The user name."""
        return self.find("username")

    def created(self) -> Date | None:
        """The creation date; `Date(None)` if it cannot be read, None if it is absent."""
        value = self.find("created")
        value = value if js.truthy(value) else self.find("createdAt")
        return new_date(value) if js.truthy(value) else None

    def first_name(self) -> str | None:
        """The first name, or the first word of the name."""
        first, name = self._text("firstName"), self._text("name")
        return first if first is not None or name is None else name.split(" ")[0]

    def last_name(self) -> str | None:
        """The last name, or the rest of the name after its first word."""
        last, name = self._text("lastName"), self._text("name")
        if last is not None or name is None:
            return last
        blank = js.index(name, " ")
        if blank < 0:
            return None
        whole = name if self._doc["last_name"] else self.find("name")
        return js.trim(js.tail(whole, blank + 1))

    def name(self) -> str | None:
        """The name, or first and last name if both are known."""
        name = self._text("name")
        if name is not None:
            return name
        first, last = self.first_name(), self.last_name()
        return js.trim(f"{first} {last}") if first and last else None

    def phone(self) -> Any:
        """The phone number, or the first of the list `phones`."""
        phone, phones = self.find("phone"), self.find("phones")
        if js.truthy(phone):
            return phone
        return phones[0] if isinstance(phones, list) and phones else None

    def last_seen(self) -> Any:
        """When the user was last seen."""
        return self.find("lastSeen")


_GETTERS: Mapping[str, Callable[[WebTraits], Any]] = {
    "created": WebTraits.created,
    "email": WebTraits.email,
    "firstName": WebTraits.first_name,
    "lastName": WebTraits.last_name,
    "lastSeen": WebTraits.last_seen,
    "name": WebTraits.name,
    "username": WebTraits.username,
    "phone": WebTraits.phone,
}


def prepared(message: DeviceMessage, traits: WebTraits) -> tuple[Json, list[Skip]]:
    """The traits with `id`, special ones renamed and dates written; and reasons."""
    renamed = WebTraits(message)
    reasons: list[Skip] = []
    for trait, name in WEB_SPECIAL_TRAITS.items():
        value = _GETTERS[trait](traits)
        unreadable = trait == "created" and value == Date(None)
        if unreadable and message.compiled.doc["unreadable_created"]:
            text = f"the creation date cannot be read: {traits.find('created')!r:.80}"
            reasons.append(skip("date_unreadable", text))
            renamed.raw.pop(trait, None)
            _drop_created_at(renamed.raw)
        elif value is not None:
            renamed.raw[name] = value
            renamed.raw.pop(trait, None)
    if js.truthy(renamed.raw.get("$created")):
        _drop_created_at(renamed.raw)
    written: Json = write_dates(renamed.raw, iso_milliseconds)
    return written, reasons


def _drop_created_at(traits: Json) -> None:
    for key in traits:
        if normalised(key) == "createdat":
            del traits[key]
            return

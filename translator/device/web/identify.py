"""Web: an identify call (docs/facts/device-mode.md#web-identify; doc#identify,
doc#register-super-properties, doc#set-people-properties, doc#arrays,
doc#explicitly-set-people-properties-and-super-properties).

The order of calls: the identity, the name tag, super properties, the profile. Anonymous calls make
the same calls without the identity: the SDK queues profile updates until it knows the user.
"""

from collections.abc import Iterable
from typing import Any

from translator.core.errors import not_selected, skip
from translator.core.operations import Json
from translator.device.calls import call
from translator.device.compiled_settings import DOC_TRAITS
from translator.device.message import CallOrSkip, DeviceMessage
from translator.device.web import js
from translator.device.web.traits import WEB_SPECIAL_TRAITS, WebTraits, prepared

_SEGMENT_NAMES = {name: trait for trait, name in WEB_SPECIAL_TRAITS.items()}


def identify_parts(message: DeviceMessage) -> list[CallOrSkip]:
    """The calls of an identify message, in order."""
    traits = WebTraits(message)
    parts: list[CallOrSkip] = []
    if js.truthy(traits.user_id):
        parts.append(call("identify", traits.user_id))
    for tag in (traits.email(), traits.username(), traits.user_id):
        if js.truthy(tag):
            parts.append(call("name_tag", tag))
            break
    properties, reasons = prepared(message, traits)
    return [*parts, *reasons, *_property_parts(message, properties)]


def _property_parts(message: DeviceMessage, traits: Json) -> list[CallOrSkip]:
    compiled = message.compiled
    lists = {key: value for key, value in traits.items() if isinstance(value, list) and value}
    values = {key: value for key, value in traits.items() if key not in lists}
    supers = {key: _super_value(message, key, value) for key, value in traits.items()}
    parts: list[CallOrSkip] = []
    if not compiled.settings.people:
        parts.append(skip("people_off", "the profile is not updated: 'people' is off"))
    if compiled.settings.setAllTraitsByDefault:
        parts.append(call("register", _super_names(message, supers)))
        if compiled.settings.people:
            parts += [call("people.set", values), call("people.union", lists)]
        return parts
    listed = _mapped(compiled.settings.superProperties)
    people = _mapped([*compiled.settings.peopleProperties, *_always_listed(message)])
    wanted = [
        ("register", _super_names(message, _pick(listed, supers)), True),
        ("people.set", _pick(people, values), compiled.settings.people),
        ("people.union", _pick(people, lists), compiled.settings.people),
    ]
    parts += [call(method, picked) for method, picked, on in wanted if on and picked]
    own = message.object_field("traits")
    left_out = [
        _SEGMENT_NAMES.get(key, key) for key in values | lists if key not in {*listed, *people}
    ]
    left_out = [name for name in left_out if own.get(name) is not None]
    if left_out and compiled.settings.people:
        parts.append(not_selected(left_out))
    return parts


def _always_listed(message: DeviceMessage) -> Iterable[str]:
    """The special traits that reach the profile whether they are listed or not."""
    if message.compiled.doc["special_traits_listed"]:
        return [trait for trait in WEB_SPECIAL_TRAITS if trait in DOC_TRAITS]
    return WEB_SPECIAL_TRAITS


def _mapped(names: Iterable[str]) -> list[str]:
    return [WEB_SPECIAL_TRAITS.get(name, name) for name in names]


def _pick(names: Iterable[str], values: Json) -> Json:
    return {name: values[name] for name in names if name in values}


def _super_value(message: DeviceMessage, key: str, value: Any) -> Any:
    """A trait as it is registered. Observed: a list is united with the stored one."""
    if isinstance(value, list) and value and not message.compiled.doc["array_super_properties"]:
        stored = message.state.stored.get_property(key)
        if isinstance(stored, list):
            return js.union(stored, value)
    return value


def _super_names(message: DeviceMessage, traits: Json) -> Json:
    """Super properties under their final names: special traits with or without a `$`."""
    compiled = message.compiled
    if compiled.settings.legacySuperProperties or not compiled.doc["legacy_super_properties"]:
        return traits
    return {_SEGMENT_NAMES.get(key, key): value for key, value in traits.items()}

"""The parts of a message that Engage reads: its type, the ids of its person, and addresses."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from translator.cloud.aliases import alias_ids
from translator.core.compiled_settings import compile_settings
from translator.core.errors import TranslationError
from translator.core.message import Message
from translator.core.rules import Rules
from translator.core.settings import Settings

_COMPILED = compile_settings(Settings(token="none"), Rules.documented())  # noqa: S106
"""The settings with which messages are checked as the translator does; they have no effect."""


class CheckedMessage(NamedTuple):
    """A message that is valid, with the two ids of an alias, and its time of arrival."""

    read: Message
    alias: tuple[Any, Any] | None
    now_ms: int


def checked(message: Any, now_ms: int) -> CheckedMessage:
    """A valid message that arrives now. Raises `TranslationError` for an invalid one."""
    if type(message) is not dict:
        raise TranslationError("not_an_object", f"a message must be an object: {message!r:.80}")
    read = Message(message, _COMPILED, now_ms)
    ids = alias_ids(read, _COMPILED)[:2] if read.kind == "alias" else None
    if ids is None and read.user_id is None and read.anonymous_id is None:
        text = f"the {read.kind} call has neither userId nor anonymousId; send one of them"
        raise TranslationError("missing_id", text)
    return CheckedMessage(read, ids, now_ms)


def ids(messages: Iterable[Any]) -> Iterator[str]:
    """The ids of people in messages that are not checked yet."""
    for message in messages:
        if type(message) is dict:
            for field in ("userId", "anonymousId", "previousId"):
                value = message.get(field)
                if type(value) in (str, int, float):
                    yield str(value)


def emails(read: Message) -> Iterator[str]:
    """The e-mail addresses in a message: `traits.email`, `context.traits.email`."""
    traits = [read.context.get("traits")]
    if read.kind == "identify":
        traits.insert(0, read.raw.get("traits"))
    for source in traits:
        email = source.get("email") if type(source) is dict else None
        if type(email) is str and email.strip():
            yield email.strip()

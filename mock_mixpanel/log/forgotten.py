"""The projects that were deleted from the log, so that a reader keeps the state of all others."""

from mock_mixpanel.log.row_codec import dump, load
from mock_mixpanel.log.stores import Store

NAME = "forgotten"
"""The setting of the store that has them: generation of the store -> token of the project."""
MOST = 100
"""Maximum number of deleted projects that are remembered."""


class ForgottenProjects:
    """The projects whose records were removed from the store, by the generation that this began."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, generation: int, token: str) -> None:
        """Note a project; only within `exclusive` of the store."""
        tokens = {**self._tokens(), str(generation): token}
        self._store.put(NAME, dump(dict(list(tokens.items())[-MOST:])))

    def between(self, before: int, generation: int) -> set[str] | None:
        """The projects that were deleted after a generation.

        None if this is unknown, or if other rows were deleted too: a reader has to read the whole
        log again.
        """
        if not 0 < generation - before <= MOST:
            return None
        tokens = self._tokens()
        found = [tokens.get(str(each)) for each in range(before + 1, generation + 1)]
        return {token for token in found if token is not None} if None not in found else None

    def _tokens(self) -> dict[str, str]:
        value = self._store.settings(0).values.get(NAME)
        return load(value) if value else {}

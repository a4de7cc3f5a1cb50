"""What is due at which full hour: only who may change then is looked at."""

from heapq import heappop, heappush

from translator.engage.people import Person


class Calendar:
    """Hour (since 1970) -> the people and definitions to look at when it starts."""

    def __init__(self) -> None:
        self._hours: list[int] = []
        self._due: dict[int, dict[tuple[str, Person], None]] = {}

    def add(self, hour: int, key: str, person: Person) -> None:
        """Look at a person for a definition when the hour starts."""
        if hour not in self._due:
            self._due[hour] = {}
            heappush(self._hours, hour)
        self._due[hour][key, person] = None

    def next_hour(self) -> int | None:
        """The next hour at which something is due."""
        return self._hours[0] if self._hours else None

    def pop(self) -> list[tuple[str, Person]]:
        """What is due at that hour, which is then done with."""
        return list(self._due.pop(heappop(self._hours)))

"""A schedule by full hours: which people and definitions can change at which hour."""

from heapq import heappop, heappush

from translator.engage.people import Person


class Calendar:
    """Hour since 1970 -> the people and definitions to update when it starts."""

    def __init__(self) -> None:
        self._hours: list[int] = []
        self._due: dict[int, dict[tuple[str, Person], None]] = {}

    def add(self, hour: int, key: str, person: Person) -> None:
        """Schedule a definition of a person for the start of an hour."""
        if hour not in self._due:
            self._due[hour] = {}
            heappush(self._hours, hour)
        self._due[hour][key, person] = None

    def next_hour(self) -> int | None:
        """The next hour that has an entry, or None."""
        return self._hours[0] if self._hours else None

    def pop(self) -> list[tuple[str, Person]]:
        """Remove and return the entries of the next hour."""
        return list(self._due.pop(heappop(self._hours)))

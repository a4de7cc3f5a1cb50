"""A schedule by full hours: which people have something to update at which hour."""

from collections.abc import Collection, Iterator
from heapq import heappop, heappush

from translator.engage.people import People, Person


class Calendar:
    """Hour since 1970 -> the people to update when it starts.

    What to update is in `Person.due`. An entry of a person who was merged into another is void.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self._hours: list[int] = []
        self._due: dict[int, set[int]] = {}

    def add(self, hour: int, key: str, person: Person) -> None:
        """Schedule a definition of a person for the start of an hour."""
        keys = person.due.get(hour)
        if keys is None:
            person.due[hour] = {key: None}
            self._note(hour, person.number)
        else:
            keys[key] = None

    def move(self, person: Person) -> None:
        """Schedule a person again whose number has changed."""
        for hour in person.due:
            self._note(hour, person.number)

    def next_hour(self) -> int | None:
        """The next hour that has an entry, or None."""
        return self._hours[0] if self._hours else None

    def pop(self) -> Iterator[tuple[Collection[str], Person]]:
        """Remove the entries of the next hour and give them, in order of people."""
        hour = self.next_hour()
        assert hour is not None
        for number in self._pop_numbers(hour):
            person = self._people.numbered(number)
            if person is not None and hour in person.due:
                self._people.touch(person)
                yield person.due.pop(hour), person

    def _pop_numbers(self, hour: int) -> Iterator[int]:
        """Remove the numbers of the people of the next hour and give them, in order."""
        heappop(self._hours)
        yield from sorted(self._due.pop(hour))

    def _note(self, hour: int, number: int) -> None:
        """Add a person to an hour."""
        if hour not in self._due:
            self._due[hour] = set()
            heappush(self._hours, hour)
        self._due[hour].add(number)

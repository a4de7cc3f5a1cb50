"""The page on choices shows the places as they are."""

from pathlib import Path

import pytest

from mock_mixpanel.simulation.places import PLACES, profile_location

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "mock.md"


@pytest.mark.parametrize("name", PLACES)
def test_places_in_the_page(name: str) -> None:
    """Each place is a row of the page's table."""
    place = profile_location(name)
    first = {"north": "`$latitude` 0 or more", "south": "`$latitude` below 0"}.get(name, name)
    shown = [first, place["$city"], place["$region"], place["$country_code"], place["$timezone"]]
    assert f"| {' | '.join(shown)} |" in PAGE.read_text(encoding="utf-8").splitlines()

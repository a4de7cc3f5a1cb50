"""The forms that a run is written in."""

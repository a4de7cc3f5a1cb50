"""The parts of the mock that a test controls: the clock, faults, rate limits and places."""

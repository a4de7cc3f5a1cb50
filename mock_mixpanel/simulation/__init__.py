"""What a test controls: the clock, faults, rate limits and places."""

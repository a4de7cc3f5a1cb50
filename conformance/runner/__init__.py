"""Replays scenarios and captures, and compares the actual with the expected results."""

"""Replays scenarios and captures, and compares what comes with what is expected."""

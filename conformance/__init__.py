"""Scenarios as data, replayed against any Segment to Mixpanel translator."""

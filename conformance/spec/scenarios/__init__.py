"""Scenarios: loading, checks, selection, and what they cover."""

"""Scenarios, sources, decisions and coverage as data: loading, checks, selection."""

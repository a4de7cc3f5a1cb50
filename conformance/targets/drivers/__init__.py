"""Translators in other programs, behind a driver that speaks JSON lines: `exec:CMD`."""

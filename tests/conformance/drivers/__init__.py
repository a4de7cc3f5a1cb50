"""Drivers for `exec:`, ours and broken ones."""

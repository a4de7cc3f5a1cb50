"""Stored events, and which of them count."""

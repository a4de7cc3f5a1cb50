"""Computes the values of traits and audiences from events, without keeping the events."""

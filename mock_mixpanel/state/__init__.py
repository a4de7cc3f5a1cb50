"""Projections of the log: events, profiles, groups and identities."""

"""Profiles of people and of groups."""

"""Stored data as Mixpanel's query side gives it: raw events, profiles, data groups, cohorts."""

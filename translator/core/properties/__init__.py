"""Mixpanel properties: the mapping tables, and what contexts, traits and names give by them."""

"""The migration report: what a Mixpanel project would hold after changing the translator."""

"""Cloud mode: one Segment message to operations for Mixpanel."""

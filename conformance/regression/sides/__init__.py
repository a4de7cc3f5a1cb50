"""The two translators of a comparison: what REF means, and how each side translates messages."""

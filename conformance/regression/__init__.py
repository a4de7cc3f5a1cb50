"""The regression check: what a change of a translator or its mapping does to a corpus."""

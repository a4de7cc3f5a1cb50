"""The regression check: compare the answers of two translators to a corpus."""

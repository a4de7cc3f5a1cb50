"""Corpora: Segment messages, real or synthetic, as files of JSON lines."""

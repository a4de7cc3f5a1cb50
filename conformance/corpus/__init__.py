"""Corpora: many Segment messages, real or made up, as files of JSON lines."""

"""Existing sources of traffic, read as Segment messages: dumps, tables, HAR files, the journal."""

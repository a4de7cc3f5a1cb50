"""The verdict on each record: the checks, and the reasons against a record."""

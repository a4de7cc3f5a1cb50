"""The differences between the contents of two projects, one module for each kind of data."""

"""The options and limits of a project."""

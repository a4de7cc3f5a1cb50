"""The result of a comparison: the verdict, approvals, and the files and texts for readers."""

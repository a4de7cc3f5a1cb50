"""Management of a project: access, saved lists, lookup tables, data deletions and retrievals."""

"""The differences between two results: changes, their groups and their causes."""

"""What differs between two answers, and why: changes, their groups and their causes."""

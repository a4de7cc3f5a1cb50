"""The journal of everything that arrived, and where it is stored."""

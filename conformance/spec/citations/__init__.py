"""What scenarios cite: sources, pages of facts, and own decisions."""

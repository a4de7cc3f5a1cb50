"""The citations of scenarios: sources, pages of facts, and decisions of this project."""

"""What readers get: items, pages of lists, counts, references and reports."""

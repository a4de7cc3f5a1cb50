"""The results for readers: items, pages of lists, counts, references and reports."""

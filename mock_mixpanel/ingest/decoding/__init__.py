"""From the body of a request to its records: compression, forms, base64 and JSON."""

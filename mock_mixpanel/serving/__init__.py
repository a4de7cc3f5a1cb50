"""The HTTP server: one process or several, with or without TLS."""

"""The translators under test: built in, a command, or an HTTP server."""

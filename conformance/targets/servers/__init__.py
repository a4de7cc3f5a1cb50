"""Translators behind an HTTP server with Segment's Tracking API: `http:URL`."""

"""Stores the messages of requests, many with one commit, and then answers them."""

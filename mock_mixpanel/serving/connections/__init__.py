"""HTTP/1.1 connections: from the bytes of a connection to requests, and back."""

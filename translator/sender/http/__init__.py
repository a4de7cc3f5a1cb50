"""One HTTP request, and how its response is classified."""

"""What waits for its delivery, and what is observed of it."""

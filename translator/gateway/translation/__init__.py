"""From the body of a request to translated messages, in this process or in others; pure."""

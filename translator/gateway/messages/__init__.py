"""From the body of a request to messages that are ready to be stored; pure."""

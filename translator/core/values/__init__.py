"""Values: timestamps, amounts, user agents, and the form in which any JSON value is sent."""

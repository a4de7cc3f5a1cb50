"""The commands `send` and `resend`."""

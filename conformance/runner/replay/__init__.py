"""Replay of one scenario: send it through a target, then compare requests and contents."""

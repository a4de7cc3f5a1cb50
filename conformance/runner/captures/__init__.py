"""Captures of the classic integrations, compared with the output of the observed rules."""

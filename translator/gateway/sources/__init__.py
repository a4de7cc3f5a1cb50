"""The write keys and their settings: one pipeline of translation, spool and sender each."""

"""The command `parity`: compares the mock's responses with those of another Mixpanel.

Probes are data (`probes/*.yaml`). Each is sent to a fresh mock and to the other Mixpanel; answers
and stored data are read from both and compared.
"""

"""The command `parity`: the mock's answers beside those of another Mixpanel.

Probes are data (`probes/*.yaml`). Each is sent to a fresh mock and to the other Mixpanel; answers
and stored data are read from both and compared.
"""

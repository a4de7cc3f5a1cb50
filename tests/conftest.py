"""What all tests share, besides the fixtures of their own folders and of the distribution."""

from hypothesis import HealthCheck, settings

# A busy machine makes no example wrong.
settings.register_profile("mockpanel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mockpanel")

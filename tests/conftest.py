"""What all tests share, besides the fixtures of their own folders and of the distribution."""

from hypothesis import settings

# A busy machine makes no example wrong.
settings.register_profile("mockpanel", deadline=None)
settings.load_profile("mockpanel")

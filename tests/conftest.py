"""Settings of every test: the same examples each time, however busy the machine."""

from hypothesis import settings

settings.register_profile("dlmath", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("dlmath")

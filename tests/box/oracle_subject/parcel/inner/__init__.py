from .deepest import Box

EXTRA = 1

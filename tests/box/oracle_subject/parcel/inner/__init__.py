# ruff: noqa - code as other people write it
from .deepest import Box

EXTRA = 1

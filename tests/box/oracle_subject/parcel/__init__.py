# ruff: noqa - code as other people write it
from .inner import deepest
from .weigh import weigh

VERSION = "1.2"

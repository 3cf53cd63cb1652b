from .inner import deepest
from .weigh import weigh

VERSION = "1.2"

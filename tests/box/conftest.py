"""The box's code is no package of ours: it is imported from where the image's recipe takes it."""

import sys
from pathlib import Path

SANDBOX = Path(__file__).parents[2] / "sandbox"
sys.path.insert(0, str(SANDBOX))

"""Settings from defaults, the user's file, the repository's file, the environment and flags, merged into one `Config`.

The repository is not trusted: its file may choose models by name, the strategy and the test command, and may tighten
limits, budgets and edit rules. It cannot set endpoints, keys or engine flags, and cannot loosen anything. No `.env` is
ever read.
"""

from moa_code.config.keys import KEYS
from moa_code.config.load import journal_path, load_config, user_config_path
from moa_code.config.sections import Budget, Config, Endpoint, Models, Sandbox, Setting, Strategy, Verify
from moa_code.config.values import parse_duration, parse_size

__all__ = [
    "KEYS",
    "Budget",
    "Config",
    "Endpoint",
    "Models",
    "Sandbox",
    "Setting",
    "Strategy",
    "Verify",
    "journal_path",
    "load_config",
    "parse_duration",
    "parse_size",
    "user_config_path",
]

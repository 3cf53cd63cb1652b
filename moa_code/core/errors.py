"""What we fail to do. What a candidate gets wrong is a value (a `Verdict`), never one of these."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line, one meaning each."""

    OK = 0  # verified, or nothing to do
    UNVERIFIED = 1
    USAGE = 2
    ENVIRONMENT = 3
    PROVIDER = 4
    BUDGET = 5
    INTERRUPTED = 130


class MoaError(Exception):
    """Something we could not do: what failed and why, and what to type next.

    `remedy` is a command or a setting, or empty where nothing the user types would help.
    """

    exit_code: ExitCode = ExitCode.ENVIRONMENT

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  try: {self.remedy}" if self.remedy else self.message


class ConfigError(MoaError):
    """A flag, an environment variable or a configuration file says something we cannot follow."""

    exit_code = ExitCode.USAGE


class TaskError(MoaError):
    """A task folder, a repository or a patch that cannot be worked on as it is."""

    exit_code = ExitCode.USAGE


class EnvironmentFault(MoaError):
    """git, the disk or the machine lacks something the work needs."""

    exit_code = ExitCode.ENVIRONMENT


class SandboxUnavailable(EnvironmentFault):
    """The sandbox could not be started, or went away under us. Says nothing about a candidate."""


class BaselineFault(EnvironmentFault):
    """The checks do not run on the untouched tree, so no candidate can be judged by them."""


class ModelError(MoaError):
    """A model did not answer usably. `retryable` tells whether asking again could help."""

    exit_code = ExitCode.PROVIDER

    def __init__(
        self, message: str, *, remedy: str = "", retryable: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class BudgetExhausted(MoaError):
    """The next call could cost more than what is left of the budget."""

    exit_code = ExitCode.BUDGET

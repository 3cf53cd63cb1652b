"""Writing to standard output and standard error, where the reader may be gone and the disk full."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import click

from moa_code.core.errors import EnvironmentFault


def emit(text: str, *, newline: bool = True) -> None:
    """Print a piece of the result. A reader that has gone away (`| head`) costs nothing but its own loss.

    Raises `EnvironmentFault` when standard output cannot be written for another reason.
    """
    if sys.stdout is None:
        return  # closed by whoever started us
    try:
        # Bytes, because a patch may hold what the locale cannot say; surrogates are the bytes they stand for.
        sys.stdout.flush()
        data = (text + "\n" * newline).encode("utf-8", "surrogateescape")
        stream = getattr(sys.stdout, "buffer", None)
        if stream is None:
            sys.stdout.write(data.decode("utf-8", "replace"))
        else:
            stream.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    except OSError as error:
        silence(sys.stdout)
        raise EnvironmentFault(
            f"standard output cannot be written: {error.strerror}", remedy="moa-code runs diff last > FILE"
        ) from error


def note(text: str) -> None:
    """Print a line for the person, not part of the result."""
    try:
        click.echo(text, err=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """From now on what is written to `stream` goes nowhere, the interpreter's own last flush included."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return  # not a file: nothing flushes it at exit
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)

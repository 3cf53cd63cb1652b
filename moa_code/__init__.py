"""A code-generation assistant with hard verification.

Small, different models propose; a strong one merges; a sandboxed verifier decides. Importing this package has no side
effects.
"""

__version__ = "0.1.0"

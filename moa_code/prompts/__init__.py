"""The words a model reads, as files, and what fills them in."""

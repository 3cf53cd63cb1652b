"""A small cache with a size limit and a time limit."""

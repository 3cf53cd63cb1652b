"""Where tasks come from: folders in our own format, and public benchmarks read from a local path."""

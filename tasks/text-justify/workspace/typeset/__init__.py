"""Setting text in columns of fixed width."""

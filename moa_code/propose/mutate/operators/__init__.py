"""The operator families. Each module lists its operators in `OPERATORS`, with their priors."""

"""What was measured about candidates: rankings, clusters, rates, beliefs. Pure."""

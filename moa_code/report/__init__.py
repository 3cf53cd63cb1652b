"""Computing over many runs, and drawing what comes out."""

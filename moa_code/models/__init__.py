"""Ways to reach language models, behind one port."""

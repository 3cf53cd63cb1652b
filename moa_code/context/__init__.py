"""Choosing which of the repository a proposer gets to see; nothing here changes the tree."""

"""Proposers: each drafts patches for a brief and judges none of them."""

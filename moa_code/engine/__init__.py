"""Carry out what a policy decided: at the same time, within the budget, journaled."""

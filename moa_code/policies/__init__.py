"""Pure decisions: from the observed `RunState` to the next steps."""

"""`builtin:mutate`: program repair by search over typed syntax-tree edits, likeliest first. Needs no model."""

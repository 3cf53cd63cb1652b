"""Reading and changing the working tree of the user, with git where there is git."""

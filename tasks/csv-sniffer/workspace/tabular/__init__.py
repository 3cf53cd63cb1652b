"""Reading tables of text whose separator nobody told us."""

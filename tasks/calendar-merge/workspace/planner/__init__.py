"""Finding time for meetings."""

"""Published sets of single cells, read in the form in which they are published."""

"""One module per name that tools/test takes."""

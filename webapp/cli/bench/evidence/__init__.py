"""`baton bench evidence`: how well the checks of photos do, on pictures that the command makes itself."""

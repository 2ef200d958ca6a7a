"""Cold processes, side by side: `make bench`."""

"""Where finished images go: each place is a file."""

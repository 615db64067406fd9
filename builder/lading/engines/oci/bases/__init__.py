"""Where base images come from: each place is a file."""

"""Images that Lading writes itself: no daemon, no root, and nothing is run."""

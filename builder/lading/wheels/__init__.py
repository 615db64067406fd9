"""The files of a lock: fetched, verified, and built where there is only a source."""

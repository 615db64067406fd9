"""Debian's archive: signed indexes, packages, and a root file system made of them without dpkg."""

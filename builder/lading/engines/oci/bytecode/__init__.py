"""Bytecode as layers of its own: what an image's interpreters would otherwise compile at every start."""

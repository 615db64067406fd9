"""Which bytes are made of a wheel's modules."""

TRANSFORM = 4
"""Of bytecode and of what is known of imports; counted up with every change of this or what it stands on."""

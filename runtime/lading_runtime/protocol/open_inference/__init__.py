"""The Open Inference Protocol, version 2, over REST: bytes ↔ payload, without any framework."""

"""Who runs in a base."""

USER_ID = 65532
"""As in distroless."""

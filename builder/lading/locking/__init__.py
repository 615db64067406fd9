"""Which files make up an environment: resolvers, and the lock files that they write."""

"""What every resolver can do."""

from typing import Protocol

from lading.environment import Environment, Platform
from lading.lock import Lock


class Locker(Protocol):
    """Decides which files make up an environment."""

    def lock(self, environment: Environment, platform: Platform) -> Lock:
        """Return exact versions and hashes of everything that *environment* needs on *platform*.

        Raises:
            UnlockableEnvironment: no set of versions satisfies it; names the requirement that clashes.
            WheelUnavailable: a package has neither a wheel nor a source for the platform.
        """
        ...

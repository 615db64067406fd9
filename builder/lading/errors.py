"""What can go wrong, named for what went wrong.

    LadingError
    ├── InvalidOption           a value that an option, or what it stands for, cannot have
    ├── InvalidReference        a text that names no model or no image
    ├── ModelNotFound           no such run, model, version, alias or folder
    ├── TrackingServerError     the tracking server or store cannot be reached, refuses, or answers nonsense
    ├── InvalidModel            the folder is no MLflow model that can be served
    ├── InvalidEnvironment      the captured environment cannot be read
    ├── UnlockableEnvironment   no set of versions satisfies the requirements
    ├── PackageIndexError       a package index cannot be reached, refuses, or answers nonsense
    ├── WheelUnavailable        a package cannot be had as a wheel for the target
    ├── InvalidWheel            a wheel file cannot be laid out, or does not go together with another one
    ├── DigestMismatch          bytes are not the bytes that were promised
    ├── StoreError              the local store cannot be read or written
    ├── EngineUnavailable       no container engine answers
    ├── InvalidImage            what should be an image, or a part of one, is not
    ├── ArchiveError            a Debian archive cannot be reached, refuses, or answers nonsense
    │   └── UntrustedArchive    what it gives is not signed by Debian, or too old to be believed
    ├── BuildFailed             the engine or its base image cannot make this image
    ├── UnfitModel              a model cannot take the place of the one in an image
    ├── RegistryError           a registry cannot be reached, refuses, or answers nonsense
    ├── PushFailed              a registry did not take the image
    ├── OutputFailed            a folder, file or engine did not take the image
    ├── ServeFailed             the local server or its environment cannot be started
    └── PredictionRefused       the local server did not predict from the given input

Errors know neither exit codes nor colours: ``cli/exit_codes.py`` has the one table.
"""


class LadingError(Exception):
    """Anything that Lading reports to its user as one line.

    The message says what went wrong and with which thing: lower case, no full stop, no secrets.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        """What the user can do about it, in a few words."""

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class InvalidOption(LadingError):
    """A value that an option, or what it stands for, cannot have."""


class InvalidReference(LadingError):
    """A text that names no model or no image."""


class ModelNotFound(LadingError):
    """No such run, model, version, alias or folder."""


class TrackingServerError(LadingError):
    """The tracking server or store cannot be reached, refuses, or answers nonsense."""


class InvalidModel(LadingError):
    """The folder is no MLflow model that can be served."""


class InvalidEnvironment(LadingError):
    """The captured environment cannot be read."""


class UnlockableEnvironment(LadingError):
    """No set of versions satisfies the requirements."""


class PackageIndexError(LadingError):
    """A package index cannot be reached, refuses, or answers nonsense."""


class WheelUnavailable(LadingError):
    """A package cannot be had as a wheel for the target."""


class InvalidWheel(LadingError):
    """A wheel file cannot be laid out, or does not go together with another one."""


class DigestMismatch(LadingError):
    """Bytes are not the bytes that were promised."""


class StoreError(LadingError):
    """The local store cannot be read or written."""


class EngineUnavailable(LadingError):
    """No container engine answers."""


class InvalidImage(LadingError):
    """What should be an image, or a part of one, is not."""


class ArchiveError(LadingError):
    """A Debian archive cannot be reached, refuses, or answers nonsense."""


class UntrustedArchive(ArchiveError):
    """What a Debian archive gives is not signed by Debian, or too old to be believed."""


class BuildFailed(LadingError):
    """The engine or its base image cannot make this image."""


class UnfitModel(LadingError):
    """A model cannot take the place of the one in an image."""


class RegistryError(LadingError):
    """A registry cannot be reached, refuses, or answers nonsense."""


class PushFailed(LadingError):
    """A registry did not take the image."""


class OutputFailed(LadingError):
    """A folder, file or engine did not take the image."""


class ServeFailed(LadingError):
    """The local server or its environment cannot be started."""


class PredictionRefused(LadingError):
    """The local server did not predict from the given input."""

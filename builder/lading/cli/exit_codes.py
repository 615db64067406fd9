"""Which exit code stands for which error: the one table."""

from lading import errors

INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

BUG = 1
USAGE = 2

_CODES: dict[type[errors.LadingError], int] = {
    errors.InvalidOption: USAGE,
    errors.InvalidReference: USAGE,
    errors.ModelNotFound: 3,
    errors.InvalidModel: 3,
    errors.TrackingServerError: 4,
    errors.InvalidEnvironment: 5,
    errors.UnlockableEnvironment: 5,
    errors.WheelUnavailable: 5,
    errors.PackageIndexError: 5,
    errors.InvalidWheel: 5,
    errors.DigestMismatch: 6,
    errors.StoreError: 6,
    errors.EngineUnavailable: 7,
    errors.BuildFailed: 8,
    errors.InvalidImage: 8,
    errors.UnfitModel: 8,
    errors.ArchiveError: 8,
    errors.PushFailed: 9,
    errors.RegistryError: 9,
    errors.OutputFailed: 9,
    errors.ServeFailed: 10,
    errors.PredictionRefused: 11,
}

EPILOG = (
    "Exit codes: 0 done, 1 a bug in lading, 2 wrong usage or reference, 3 model missing or unusable, "
    "4 tracking server, 5 environment cannot be locked, 6 local store, 7 no container engine, 8 build, "
    "9 registry or output, 10 local server, 11 prediction refused, 130 interrupted."
)


def exit_code(error: errors.LadingError) -> int:
    """Return the code of the nearest class that the table names."""
    return next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), BUG)

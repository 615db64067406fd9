"""What an archive has not got."""

from lading.errors import ArchiveError


class Missing(ArchiveError):
    """The archive has no such file, or no more: Debian removes what was superseded."""

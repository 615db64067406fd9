"""The kinds of documents and layers, by the names that registries and engines know them under.

OCI image specification 1.1 (``media-types.md``), and Docker's equivalents, which are only read: one
manifest never mixes the two families, so what comes in as Docker's goes out as OCI's.
"""

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"

TAR = "application/vnd.oci.image.layer.v1.tar"
TAR_GZIP = TAR + "+gzip"
TAR_ZSTD = TAR + "+zstd"

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

OCI_EQUIVALENTS = {
    DOCKER_INDEX: INDEX,
    DOCKER_MANIFEST: MANIFEST,
    "application/vnd.docker.container.image.v1+json": CONFIG,
    "application/vnd.docker.image.rootfs.diff.tar": TAR,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": TAR_GZIP,
    "application/vnd.docker.image.rootfs.diff.tar.zstd": TAR_ZSTD,
}

INDEXES = frozenset({INDEX, DOCKER_INDEX})
MANIFESTS = frozenset({MANIFEST, DOCKER_MANIFEST})


def as_oci(media_type: str) -> str:
    """Return the OCI name of what *media_type* names; others stay as they are."""
    return OCI_EQUIVALENTS.get(media_type, media_type)

"""Registries, by the OCI distribution specification 1.1; knows nothing of models.

From the bottom up: ``address`` and ``challenges`` are texts; ``credentials`` with ``auth_files``,
``helpers`` and ``keychain`` know who we are; ``certificates`` and ``proxies`` know the way;
``transport`` sends one request (the only file that imports an HTTP library), ``patience`` sends it
again, ``problems`` says what a refusal means. ``host`` is one registry, ``repository`` one repository
of it with its ``upload`` and ``remote_blob``; ``pull``, ``push`` and ``referrers`` are the verbs, and
``registries`` is what others open.
"""

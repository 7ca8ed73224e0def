"""Certificates for tests of TLS."""

import subprocess
from pathlib import Path


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    made, key = directory / "certificate.pem", directory / "key.pem"
    how = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    names = ("-subj", "/CN=openvnet", "-addext", "subjectAltName=IP:127.0.0.1")
    words = ("openssl", "req", "-x509", *how, "-keyout", str(key), "-out", str(made), *names)
    subprocess.run(words, check=True, capture_output=True)
    return made, key

"""A real S3-speaking server on this machine (moto), for tests that keep their files in it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import boto3

from tests.proxy.site import free_port

SECONDS_TO_START = 120
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "only", "AWS_EC2_METADATA_DISABLED": "true"}
_SERVER = "import moto.server, sys; moto.server.main(sys.argv[1:])"


@contextmanager
def served(log: Path) -> Iterator[str]:
    """Starts the server; yields its address. What it held is gone at the end."""
    port = free_port()
    with log.open("wb") as output:
        command = [sys.executable, "-c", _SERVER, "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + SECONDS_TO_START
    try:
        while True:
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            try:
                urlopen(address, timeout=5).close()
                break
            except (URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def new_bucket(endpoint: str) -> dict[str, str]:
    """A bucket of its own; the environment with which an installation keeps its files there."""
    os.environ |= CREDENTIALS
    name = f"bucket-{uuid4().hex[:12]}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=name)
    return {"MEDIA_STORAGE": f"s3://{name}/media?endpoint={endpoint}&region=us-east-1", **CREDENTIALS}


def storage_setting(environment: dict[str, str]) -> dict[str, object]:
    """STORAGES["default"] of that installation, as settings.py makes it."""
    options = {"address": environment["MEDIA_STORAGE"]}
    return {"BACKEND": "readerstudy.common.object_store.PrivateS3Storage", "OPTIONS": options}

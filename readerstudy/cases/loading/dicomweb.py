"""Images of a DICOMweb server (PS3.18: QIDO-RS finds them, WADO-RS gives them), as files named by SOP Instance UID.

Needs dicomweb-client (the extra `dicomweb`), imported inside functions only: the command line uses this.
"""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import requests

from explain.images.checks import ImageError
from readerstudy.cases.loading.problems import refuse
from readerstudy.cases.loading.sources import MAX_FILE_BYTES, FileSource
from readerstudy.common.extras import how_to_install

if TYPE_CHECKING:
    from dicomweb_client.api import DICOMwebClient

TOKEN = "DICOMWEB_TOKEN"  # noqa: S105 - the name of a variable of the environment
MANIFEST = "manifest.csv"
_SECONDS = 60
_SOP, _STUDY, _SERIES = "00080018", "0020000D", "0020000E"
_AGAIN = "Check the address, the network and the variable DICOMWEB_TOKEN, then repeat"


def open_server(url: str, filters: dict[str, str], manifest: Path | None) -> FileSource:
    """The instances that the server at `url` has for these attributes (StudyDate, Modality, StudyInstanceUID ...).

    manifest: a CSV whose column image has SOP Instance UIDs; without one every instance is a case without truth. The
    environment's DICOMWEB_TOKEN, if set, is sent as a bearer token. Raises BatchRefused, also where nothing says which.
    """
    if not filters and manifest is None:
        raise refuse("without --filter or --manifest every image of the server would be loaded", "Give one of them")
    try:
        from dicomweb_client.api import DICOMwebClient
        from retrying import RetryError
    except ImportError:
        raise refuse("dicomweb: sources need dicomweb-client", how_to_install("dicomweb")) from None
    token = os.environ.get(TOKEN)
    headers = {"Authorization": f"Bearer {token}"} if token else None
    try:
        client = DICOMwebClient(url, headers=headers, timeout=_SECONDS)
        client.set_http_retry_params(max_attempts=3, wait_exponential_multiplier=250)  # milliseconds
        places = _search(client, filters)
    except (requests.RequestException, RetryError, ValueError) as error:
        raise refuse(f"the DICOMweb server cannot be searched ({_said(error)})", _AGAIN) from None
    files = ServerFiles(client, places, _content(manifest))
    return FileSource(files, "a DICOMweb server", MANIFEST if manifest else None)


class ServerFiles:
    """Files (sources.Files). places: SOP Instance UID -> UIDs of its study and series."""

    noun = "DICOMweb server's answer"

    def __init__(self, client: DICOMwebClient, places: dict[str, tuple[str, str]], manifest: bytes | None) -> None:
        self.client, self.places, self.manifest = client, places, manifest

    def names(self) -> list[str]:
        return sorted(self.places)

    def open(self, name: str) -> BinaryIO:
        if name == MANIFEST and self.manifest is not None:
            return BytesIO(self.manifest)
        if name not in self.places:
            raise ImageError("", "the server has found no such SOP Instance UID", "Check it, and the --filter options")
        file = BytesIO()
        try:
            instance = self.client.retrieve_instance(*self.places[name], name, (("application/dicom", "*"),))
            instance.save_as(file, enforce_file_format=True)
        except Exception as error:  # a server may send anything, and of anything the library raises anything
            raise ImageError("", f"the server does not give the image ({_said(error)})", _AGAIN) from None
        if file.tell() > MAX_FILE_BYTES:
            raise ImageError("", f"the file is over {MAX_FILE_BYTES // 2**20} MiB", "Check that it is one radiograph")
        file.seek(0)
        return file


def _search(client: DICOMwebClient, filters: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Page after page until one is empty. The library's own loop would never end where `offset` is not heeded."""
    places: dict[str, tuple[str, str]] = {}
    seen = 0
    while found := client.search_for_instances(search_filters=filters, offset=seen):
        page = _places(found)
        if page.keys() <= places.keys():
            raise refuse(
                "the DICOMweb server gives the same images again and again",
                "Ask who runs it to let QIDO-RS heed the parameter offset (PS3.18)",
            )
        places |= page
        seen += len(found)
    return places


def _places(found: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Raises BatchRefused for an answer that does not name its instances."""
    try:
        uids = [[str(one[tag]["Value"][0]) for tag in (_SOP, _STUDY, _SERIES)] for one in found]
    except (KeyError, IndexError, TypeError):
        raise refuse("the DICOMweb server's answer lacks UIDs", "Ask who runs it for PS3.18 conformance") from None
    return {sop: (study, series) for sop, study, series in uids}


def _content(manifest: Path | None) -> bytes | None:
    try:
        return manifest.read_bytes() if manifest else None
    except OSError as error:
        raise refuse(f"the manifest cannot be read ({error.strerror})", "Check its path") from None


def _said(error: Exception) -> str:
    """What kind of failure, without the address: it may hold UIDs."""
    last = getattr(error, "last_attempt", None)  # retrying.RetryError's; its value is the last response
    response = getattr(error, "response", None) if last is None else last.value
    return f"status {response.status_code}" if response is not None else type(error).__name__

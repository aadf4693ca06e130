"""load_cases from a DICOMweb server: a small one on this machine that speaks PS3.18's QIDO-RS and WADO-RS."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO, StringIO
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pydicom
import pytest
from django.core.management import CommandError, call_command

from readerstudy.cases.loading.checking import check_source
from readerstudy.cases.loading.dicomweb import open_server
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.models import Case, Truth
from tests.explain.image_files import dicom, greys

PAGE = 2  # instances in one answer, whatever is asked for


class Server(BaseHTTPRequestHandler):
    """instances: SOP Instance UID -> file. asked: the queries, and what came as Authorization."""

    instances: dict[str, bytes]
    asked: list[tuple[dict[str, list[str]], str | None]]
    fetched: list[str]
    busy = False
    heeds_offset = True

    def do_GET(self) -> None:
        url = urlparse(self.path)
        if self.busy:
            self._answer(503, "text/plain", b"")
            return
        if url.path == "/dicom-web/instances":
            self.asked.append((query := parse_qs(url.query), self.headers["Authorization"]))
            start = int(query.get("offset", ["0"])[0]) if self.heeds_offset else 0
            found = sorted(self.instances)[start : start + PAGE]
            body = json.dumps([self._found(uid) for uid in found]).encode()
            self._answer(200 if found else 204, "application/dicom+json", body if found else b"")
            return
        *_, study, _, series, _, sop = url.path.split("/")
        self.fetched.append(sop)
        if (study, series) != ("1.2.9", "1.2.8") or sop not in self.instances:
            self._answer(404, "text/plain", b"")
            return
        part = b"\r\n--next\r\nContent-Type: application/dicom\r\n\r\n" + self.instances[sop] + b"\r\n--next--"
        self._answer(200, 'multipart/related; type="application/dicom"; boundary=next', part)

    def _found(self, uid: str) -> dict:
        values = {"00080018": uid, "0020000D": "1.2.9", "0020000E": "1.2.8"}
        return {tag: {"vr": "UI", "Value": [value]} for tag, value in values.items()}

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Server]]]:
    """Three radiographs of two patients."""
    handler = type("Handler", (Server,), {"instances": {}, "asked": [], "fetched": []})
    for number in (1, 2, 3):
        ds = pydicom.dcmread(BytesIO(dicom(greys(seed=number, bits=12), 12, PatientID=f"P{number % 2}")))
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.7.{number}"
        ds.save_as(file := BytesIO(), enforce_file_format=True)
        handler.instances[f"1.2.7.{number}"] = file.getvalue()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/dicom-web", handler
        http.shutdown()


def test_all_that_is_found_is_a_case(server, monkeypatch) -> None:
    url, handler = server
    monkeypatch.setenv("DICOMWEB_TOKEN", "secret")
    checked = check_source(open_server(url, {"Modality": "CR"}, None))
    assert [case.image for case in checked.cases] == ["1.2.7.1", "1.2.7.2", "1.2.7.3"]
    assert (checked.report.cases, checked.report.patients) == (3, 2)
    assert handler.asked[0][0]["Modality"] == ["CR"] and {token for _, token in handler.asked} == {"Bearer secret"}


@pytest.mark.django_db
def test_a_manifest_names_instances_and_says_what_is_true(server, tmp_path: Path) -> None:
    url, handler = server
    (tmp_path / "truth.csv").write_text("image,pathology,label\n1.2.7.2,Effusion,1\n1.2.7.3,Effusion,0\n")
    said = StringIO()
    call_command(
        "load_cases", f"dicomweb:{url}", batch="pacs", manifest=tmp_path / "truth.csv", filter=["Modality=CR"],
        linking_table=tmp_path / "links.csv", stdout=said, stderr=said,
    )  # fmt: skip
    assert "2 cases loaded as batch pacs" in said.getvalue()
    assert Case.objects.count() == 2 and Truth.objects.filter(label=True).count() == 1
    assert Case.objects.values_list("bits", flat=True)[0] == 12
    assert "1.2.7.2" in (tmp_path / "links.csv").read_text()
    assert sorted(handler.fetched) == ["1.2.7.2", "1.2.7.3"], "each once, though checked and loaded"


def test_what_is_not_there_is_told_by_row(server, tmp_path: Path) -> None:
    url, handler = server
    (tmp_path / "truth.csv").write_text("image,pathology,label\n1.2.7.9,Effusion,1\n1.2.7.1,Effusion,1\n")
    source = open_server(url, {}, tmp_path / "truth.csv")
    del handler.instances["1.2.7.1"]
    with pytest.raises(BatchRefused) as refused:
        check_source(source)
    first, second = map(str, refused.value.problems)
    assert "no such SOP Instance UID" in first and "does not give the image (status 404)" in second


def test_servers_and_options_that_cannot_be_used_are_told(server) -> None:
    with pytest.raises(BatchRefused, match="cannot be searched"):
        open_server("http://127.0.0.1:1/dicom-web", {"Modality": "CR"}, None)
    with pytest.raises(BatchRefused, match="without --filter or --manifest every image"):
        open_server(server[0], {}, None)
    with pytest.raises(CommandError, match="--filter is ATTRIBUTE=VALUE"):
        call_command("load_cases", f"dicomweb:{server[0]}", batch="pacs", filter=["CR"], stderr=StringIO())
    with pytest.raises(CommandError, match="for dicomweb: sources only"):
        call_command("load_cases", "folder", batch="pacs", filter=["Modality=CR"], stderr=StringIO())


def test_a_busy_server_and_one_that_never_ends_are_told(server, monkeypatch) -> None:
    url, handler = server
    monkeypatch.setattr(handler, "heeds_offset", False)
    with pytest.raises(BatchRefused, match="the same images again and again"):
        open_server(url, {"Modality": "CR"}, None)
    assert len(handler.asked) == 2
    monkeypatch.setattr(handler, "busy", True)
    with pytest.raises(BatchRefused, match=r"cannot be searched \(status 503\)"):
        open_server(url, {"Modality": "CR"}, None)


def test_what_is_no_dicom_or_half_of_it_is_told_by_row(server) -> None:
    url, handler = server
    source = open_server(url, {"Modality": "CR"}, None)
    handler.instances["1.2.7.1"] = b"not found, says a page" * 9
    handler.instances["1.2.7.2"] = handler.instances["1.2.7.2"][:486]
    with pytest.raises(BatchRefused) as refused:
        check_source(source)
    first, second = map(str, refused.value.problems)
    assert "does not give the image (InvalidDicomError)" in first and "does not give the image (error)" in second

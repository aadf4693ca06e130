"""Guarded files: the only way an image leaves the server. The caller has already decided who may see it."""

from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import quote

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers

from readerstudy.cases.models import Case
from readerstudy.common.downloads import disposition
from readerstudy.common.identity import keyed_hash
from readerstudy.common.refusals import NotFound

CACHE_SECONDS = 24 * 3600
CONTENT_TYPES = {
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".npy": "application/octet-stream",
}


def public_name(file: FieldFile) -> str:
    """The opaque last part of a stored file's name, the one that URLs show."""
    return PurePosixPath(file.name or "").name


def named(field: str, name: str) -> dict[str, str]:
    """Filter for the row whose file `field` has the opaque `name`: folders of the storage never show in URLs."""
    if "\0" in name:  # PostgreSQL refuses to look for it
        raise NotFound("There is no such file.")
    return {f"{field}__endswith": f"/{name}"}


def serve(request: HttpRequest, file: FieldFile, content_type: str = "") -> HttpResponseBase:
    """The file, privately cached under its opaque name; 304 when the browser has it already.

    The name is a keyed hash of the content, so a name never changes its content: `immutable`. With MEDIA_ACCEL_PREFIX
    set, nginx sends the bytes (X-Accel-Redirect to that prefix); what it says besides is decided here, for nginx passes
    these headers on and adds none of its own. Raises NotFound when the storage has lost the file.
    """
    name = _own_name(file)
    content_type = content_type or CONTENT_TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
    etag = f'"{keyed_hash("etag", name)[:32]}"'
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is not None:
        _refuse_lost(file)
    elif _another_may_send(file):
        _refuse_lost(file)
        response = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = settings.MEDIA_ACCEL_PREFIX + quote(file.name or "")
    else:
        response = _sent_here(file, content_type)
    return _guarded(response, name, etag)


def serve_bytes(request: HttpRequest, file: FieldFile, version: str, content: Callable[[], bytes]) -> HttpResponseBase:
    """What `content` makes of a stored PNG, under the file's name; `version` names what it makes (the ETag).

    The server sends these bytes itself, with MEDIA_ACCEL_PREFIX too. Raises NotFound where it has lost the file.
    """
    name, etag = _own_name(file), f'"{version}"'
    _refuse_lost(file)
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(content(), content_type="image/png")
    return _guarded(response, name, etag)


LOST = "The file is missing from the storage."


def _own_name(file: FieldFile) -> str:
    if not file.name:
        raise NotFound(LOST)
    return public_name(file)


def _refuse_lost(file: FieldFile) -> None:
    if not file.storage.exists(file.name or ""):
        raise NotFound(LOST)


def _sent_here(file: FieldFile, content_type: str) -> FileResponse:
    """One request to an object store, which asking first would double. None of what the store says is passed on."""
    try:
        return FileResponse(file.open("rb"), content_type=content_type)
    except FileNotFoundError:
        raise NotFound(LOST) from None


def _guarded(response: HttpResponseBase, name: str, etag: str) -> HttpResponseBase:
    response["ETag"] = etag
    response["Content-Disposition"] = disposition(name, inline=True)
    response["Cache-Control"] = f"private, max-age={CACHE_SECONDS}, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    patch_vary_headers(response, ("Cookie",))
    return response


def _another_may_send(file: FieldFile) -> bool:
    """Whether the proxy may send the file itself: only one whose time tells nothing, whatever the proxy says of it.

    Any other file, also one of a storage that cannot say so, is sent by the application, which tells no time.
    """
    has_the_time = getattr(file.storage, "has_the_time", None)
    return bool(settings.MEDIA_ACCEL_PREFIX) and has_the_time is not None and bool(has_the_time(file.name))


def case_file(cases: QuerySet[Case], name: str) -> FieldFile | None:
    """The display image of that name among `cases`."""
    case = cases.filter(**named("display", name)).first()
    return case.display if case else None

"""Small tables as CSV downloads, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse

from readerstudy.common.csv_cells import safe_cell
from readerstudy.common.downloads import disposition


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """RFC 4180 with a header line, as a download called `name`."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition(name)})
    writer = csv.writer(response)
    writer.writerow([safe_cell(column) for column in columns])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return response

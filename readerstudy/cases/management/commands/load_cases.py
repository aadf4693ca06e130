"""load_cases: check a batch of cases, and load all of it or nothing."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from readerstudy.cases.loading.checking import KNOWN_PIXELS, Report, check_source, warn_of_what_is_here
from readerstudy.cases.loading.load import check_links, check_name, load_batch, same_batch
from readerstudy.cases.loading.problems import BatchRefused, folded
from readerstudy.cases.loading.records import Source
from readerstudy.cases.loading.sources import open_source
from readerstudy.common.arguments import at_least_one
from readerstudy.common.counting import counted
from readerstudy.common.progress import ProgressBar

_OPTIONS_OF = {
    "xrv:": ("imgpath", "csvpath", "views", "limit", "only_present"),
    "dicomweb:": ("filter", "manifest"),
}


class Command(BaseCommand):
    help = (
        "Load a batch of cases from a manifest, a folder, a ZIP, a TorchXRayVision data set or a DICOMweb server; all "
        "or nothing. "
        "Example: python manage.py load_cases cases.zip --batch ward-3 --linking-table ward-3-links.csv. "
        "docs/manifest.md describes the manifest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="manifest .csv, folder, .zip, xrv:<data set>, or dicomweb:<address>")
        parser.add_argument("--batch", required=True, help="name of the new batch: letters, digits, - and _")
        parser.add_argument("--dry-run", action="store_true", help="check everything, load nothing")
        parser.add_argument(
            "--keep-source-ids", action="store_true", help="public data: keep image names as source ids"
        )
        parser.add_argument("--linking-table", type=Path, metavar="FILE", help="new CSV file: row, image, case")
        parser.add_argument("--simulated", action="store_true", help="synthetic images, marked so everywhere")
        parser.add_argument(
            "--kind",
            nargs=3,
            action="append",
            default=[],
            metavar=("NAME", "TITLE", "TEXT"),
            help="of a column explanation:NAME: the title and the text that readers see",
        )
        parser.add_argument("--imgpath", type=Path, help="xrv: only: the folder of the data set's images")
        parser.add_argument("--csvpath", type=Path, help="xrv: only: its table, if not the one TorchXRayVision has")
        parser.add_argument("--views", nargs="*", help="xrv: only: views to load, or * (default PA AP)")
        parser.add_argument(
            "--only-present", action="store_true", help="xrv: only: load the images in the folder, not all of the table"
        )
        parser.add_argument(
            "--filter",
            action="append",
            default=[],
            metavar="ATTRIBUTE=VALUE",
            help="dicomweb: only: what to look for, such as StudyDate=20260101-20260131; may be given again. Without "
            "it, give --manifest",
        )
        parser.add_argument(
            "--manifest", type=Path, help="dicomweb: only: a manifest whose column image has SOP Instance UIDs"
        )
        parser.add_argument("--limit", type=at_least_one, help="xrv: only: load the first so many images")

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_misplaced(options)
        kept = {"keep_source_ids": options["keep_source_ids"], "simulated": options["simulated"]}
        try:
            with _stopped_politely(), _source(options) as source, ProgressBar(self.stderr) as bar:
                if options["dry_run"]:
                    check_name(options["batch"])
                    checked = check_source(source, progress=bar.show, **kept)
                    known = same_batch(options["batch"], checked)
                    warn_of_what_is_here(checked, options["batch"])
                    report, said = checked.report, "{are} already loaded as" if known else "can be loaded as"
                    if not known:
                        _foresee_links(report, options)
                else:
                    loaded = load_batch(
                        source,
                        options["batch"],
                        linking_table=options["linking_table"],
                        texts={name: (title, text) for name, title, text in options["kind"]},
                        progress=bar.show,
                        **kept,
                    )
                    report, said = loaded.report, "loaded as" if loaded.created else "{are} already loaded as"
        except BatchRefused as error:
            for line in folded(error.problems):
                self.stderr.write(line)
            raise CommandError(f"Nothing was loaded: {counted(len(error.problems), 'problem')}, see above.") from None
        self._print(report)
        are = "is" if report.cases == 1 else "are"
        self.stdout.write(f"{counted(report.cases, 'case')} {said.format(are=are)} batch {options['batch']}.")
        if said == "loaded as" and not any(row["predictions"] for row in report.pathologies.values()):
            self.stdout.write(f"Next: python manage.py predict --batch {options['batch']} --model xrv-densenet121-all")

    def _print(self, report: Report) -> None:
        width = max([len("pathology"), *map(len, report.pathologies)])
        if report.pathologies:
            self.stdout.write(f"{'pathology':<{width}}  present  absent  no truth  masks  predictions")
        for pathology, counts in report.pathologies.items():
            self.stdout.write(
                f"{pathology:<{width}}  {counts['present']:>7}  {counts['absent']:>6}  {counts['no_truth']:>8}"
                f"  {counts['masks']:>5}  {counts['predictions']:>11}"
            )
        without = f"; {counted(report.without_patient, 'image')} without a patient id" if report.without_patient else ""
        self.stdout.write(f"{counted(report.patients, 'known patient')}{without}")
        for kind, count in report.explanations.items():
            self.stdout.write(f"explanations, {kind}: {count}")
        known = {warning.split(KNOWN_PIXELS)[0] for warning in report.warnings if KNOWN_PIXELS in warning}
        if known:
            self.stderr.write(f"Warning: {len(known)} of {report.cases} images are known from other batches.")
        for warning in report.warnings:
            self.stderr.write(f"Warning: {warning}.")


def _refuse_misplaced(options: dict[str, Any]) -> None:
    """Raises CommandError for an option that the kind of source would silently ignore."""
    for kind, names in _OPTIONS_OF.items():
        given = [f"--{name.replace('_', '-')}" for name in names if options[name] not in (None, False, [])]
        if given and not options["source"].startswith(kind):
            raise CommandError(f"{', '.join(given)}: for {kind} sources only, which “{options['source']}” is not.")
    if wrong := [text for text in options["filter"] if not text.partition("=")[2]]:
        raise CommandError(f"--filter is ATTRIBUTE=VALUE, such as Modality=DX; not “{wrong[0]}”.")


def _foresee_links(report: Report, options: dict[str, Any]) -> None:
    """A dry run without a linking table is fine, but the load to come is not."""
    if options["linking_table"] is None and not options["keep_source_ids"]:
        report.warnings.append("to load it, add --linking-table FILE, or --keep-source-ids for public data")
    else:
        check_links(options["linking_table"], keep_source_ids=options["keep_source_ids"])


@contextmanager
def _source(options: dict[str, Any]) -> Iterator[Source]:
    name = options["source"]
    if name.startswith("xrv:"):
        from readerstudy.cases.loading.xrv import open_data_set

        yield open_data_set(
            name.removeprefix("xrv:"),
            options["imgpath"],
            options["csvpath"],
            options["views"] or ["PA", "AP"],
            options["limit"],
            only_present=options["only_present"],
        )
    elif name.startswith("dicomweb:"):
        from readerstudy.cases.loading.dicomweb import open_server

        filters = dict(text.split("=", 1) for text in options["filter"])
        yield open_server(name.removeprefix("dicomweb:"), filters, options["manifest"])
    else:
        with open_source(Path(name)) as source:
            yield source


@contextmanager
def _stopped_politely() -> Iterator[None]:
    """SIGTERM ends the command like Ctrl-C, so that files written so far are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""The data dictionary: every column of the exports, in order, with its meaning. The exports are made from it."""

from typing import NamedTuple

from readerstudy.common.idle import IDLE_AFTER_S


class Column(NamedTuple):
    name: str
    type: str
    meaning: str


LONG = (
    Column("study", "text", "Slug of the study."),
    Column("protocol_version", "integer", "Version of the frozen protocol."),
    Column("simulated", "0/1", "1 when the answers were made by a program."),
    Column("reader", "text", "Reader's code, R1, R2, ..."),
    Column("read", "integer", "Read (period) 1, 2, ...; 0 is the practice read."),
    Column("sequence", "text", "Methods of this example for this reader in read order, such as A>B."),
    Column("position", "integer", "Place of the example in the read, from 1."),
    Column("example", "text", "Number of the example in the study; practice examples are P1, P2, ..."),
    Column("case", "text", "Opaque id of the case."),
    Column("patient_key", "text", "Keyed hash of the patient id; empty when the data set has none."),
    Column("pathology", "text", "Pathology that was predicted."),
    Column("truth", "TP/FP", "TP: the pathology is present; FP: it is not. Empty when unknown."),
    Column("practice", "0/1", "1 for practice examples, which are never analysed."),
    Column("excluded", "0/1", "1 when an exclusion in force covers the response, its example, reader or read."),
    Column("dataset", "text", "Data set the case came from."),
    Column("model", "text", "Classifier that made the prediction."),
    Column("prediction", "0..1", "The model's probability, f(x); the study decides whether readers see it."),
    Column("prediction_reconstruction", "0..1", "f(D(E(x))), the start of Latent Shift; empty without it."),
    Column("method", "text", "Key of the method shown."),
    Column("question", "text", "Key of the question. One that a method does not ask has no row: it is not missing."),
    Column("score", "integer", "The answer; of a question answered with no or yes, 1 is no and 2 is yes."),
    Column("revision", "integer", "1 for the first answer, then 2, ...; the highest is current."),
    Column("is_current", "0/1", "1 for the answer that counts."),
    Column("opened_at", "ISO 8601 UTC", "When the server saw the visit of this answer open."),
    Column("answered_at", "ISO 8601 UTC", "When the reader answered, by the reader's clock."),
    Column("received_at", "ISO 8601 UTC", "When the server stored the answer."),
    Column("answered_ms", "milliseconds", "From opening to this answer, by the browser's monotonic clock."),
    Column("answered_visible_ms", "milliseconds", "Of that, while the page was visible and no dialog covered it."),
    Column("visible_ms", "milliseconds", "Time the page was visible during the whole visit."),
    Column("idle_ms", "milliseconds", f"Of that, beyond {IDLE_AFTER_S} s without a key, a pointer or a touch."),
    Column(
        "looking_ms", "milliseconds", "visible_ms less idle_ms, summed over all visits to this example in this read."
    ),
    Column("images_ready_ms", "milliseconds", "From opening to all images shown."),
    Column("first_input_ms", "milliseconds", "From opening to the first key or click."),
    Column("animation_loops", "integer", "Whole loops of the animation watched."),
    Column("comment", "text", "The reader's comment on this example in this read, as last left; on each of its rows."),
    Column("source", "text", "browser, spreadsheet or simulated."),
)

WIDE_FIXED = (
    *(column for column in LONG if column.name in ("study", "protocol_version", "simulated", "reader")),
    *(column for column in LONG if column.name in ("example", "case", "patient_key", "pathology", "truth")),
    *(column for column in LONG if column.name == "sequence"),
    Column("excluded", "0/1", "1 when an exclusion in force covers any answer of this row, which still shows it."),
    *(column for column in LONG if column.name in ("dataset", "model", "prediction")),
)

_OF_AN_EXAMPLE = ("study", "protocol_version", "example", "case", "patient_key", "pathology")
ALIGNMENT = (
    *(column for column in LONG if column.name in _OF_AN_EXAMPLE),
    Column("excluded", "0/1", "1 when an exclusion in force covers the example."),
    Column("finding", "text", "Another output of the classifier than the pathology that was explained."),
    Column(
        "correlation",
        "-1..1",
        "Of its change with the explained one's along Latent Shift; empty if one is constant.",
    ),
    Column("change", "-1..1", "Of its probability, from the unshifted image to the most faded one."),
)

MEASURES = (
    *(column for column in LONG if column.name in (*_OF_AN_EXAMPLE, "truth")),
    Column("excluded", "0/1", "1 when an exclusion in force covers the example."),
    Column("kind", "text", "Kind of the explanation that was measured."),
    Column("methods", "text", "Keys of the methods that show it, with spaces between."),
    Column("metric", "text", "Name of the metric (docs/evaluate.md)."),
    Column("value", "number", "What was measured; empty where it could not be."),
    Column("chance", "0..1", "The confounder's share of the picture, where an even map would be; else empty."),
    Column("error", "text", "Why there is no value."),
    Column("current", "0/1", "0 when the map, the mask or the metric has changed since it was measured."),
    Column("parameters", "JSON", "Constants of the metric."),
    Column("version", "integer", "Of the metric."),
    Column("device", "text", "What it was measured on."),
    Column("measured_at", "ISO 8601 UTC", "When."),
)


def wide_columns(methods: list[str], questions: list[str]) -> list[Column]:
    """Columns of the wide export: fixed ones, then for each method its read, position and current scores."""
    columns = list(WIDE_FIXED)
    for method in methods:
        columns.append(Column(f"read_{method}", "integer", f"Read in which method {method} was shown."))
        columns.append(Column(f"position_{method}", "integer", f"Place in that read of the view with {method}."))
        for question in questions:
            meaning = (
                f"Current score of {question} with {method}; “not asked” in every row where {method} leaves it out."
            )
            columns.append(Column(f"{question}_{method}", "integer", meaning))
    return columns


def markdown() -> str:
    """docs/data-dictionary.md: all tables, the wide one for method A and the question `confidence`."""
    lines = [
        "# Data dictionary",
        "",
        "Columns of the exports, in order. Tables are UTF-8 CSV (RFC 4180) with a header line; an empty cell has no",
        "value; times are ISO 8601 in UTC. Text that a spreadsheet would run as a formula has an apostrophe in front,",
        "which `load_reads` takes off.",
        "",
        "This page is made from `readerstudy/exchange/dictionary.py` by",
        "`python -m readerstudy.exchange.dictionary`.",
    ]
    tables = (
        ("long", "One row per response: `export_reads --format long`.", list(LONG)),
        (
            "wide",
            "One row per reader and example with current answers: `export_reads --format wide`. Each method has\n"
            "columns for each question; here method A and the question `confidence`.",
            wide_columns(["A"], ["confidence"]),
        ),
        (
            "alignment",
            "One row per scored example and other finding: `export_reads --format alignment`; the report's\n"
            "`tables/alignment.csv` has the same without excluded examples. No answers and no truth.",
            list(ALIGNMENT),
        ),
        (
            "measures",
            "One row per scored example, kind and metric: `export_reads --format measures`. Like answers with truth,\n"
            "which masks and the column `truth` tell, it is given for a reason until the study is closed.",
            list(MEASURES),
        ),
    )
    for name, line, columns in tables:
        lines += ["", f"## {name}", "", line, "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{column.name}` | {column.type} | {column.meaning} |" for column in columns]
    lines += [
        "",
        "## Beside a table",
        "",
        "`FILE.provenance.json` holds the protocol and its hash, the analysis plan, exclusions in force, looks before",
        "closing, versions, the time, and the SHA-256 and number of rows of the table. `load_reads` takes a long table",
        "with it and makes a study of them. `--format imrmc` is the input format of FDA's iMRMC: truth lines, then",
        "reader, example, method and score.",
        "",
        "## By a script",
        "",
        "`/api/studies/SLUG/reads/?table=long` gives a script of one of the study's researchers the same: `long` (when",
        "left out), `wide`, `imrmc` (with `question=KEY`), `alignment`, `measures`, `dictionary`, `provenance`. It",
        "sends a token, made on the page `/accounts/token/` and shown there once, as the header",
        "`Authorization: Token ...`. A token opens this address and no other, works for 90 days, and ends with a new",
        "password or the last role in a study. Until the study is closed, `why=...` says why you look; it is recorded.",
        "All addresses are described at `/api/docs/`.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from pathlib import Path

    page = Path(__file__).resolve().parents[2] / "docs" / "data-dictionary.md"
    page.write_text(markdown(), encoding="utf-8")

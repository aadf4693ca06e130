"""What an installation exports and shows: the same code at the version that made it and at later ones, so that the two
can be compared. It uses commands and addresses only, which outlive the modules behind them."""

import hashlib
import json
from pathlib import Path
from typing import Any

STUDIES = ("old-closed", "old-open")
QUESTIONS = ("confidence", "feature")
READER, RESEARCHER = "demo-reader", "demo-researcher"
WHY = "test of an upgrade"


def keep(folder: Path) -> None:
    """FOLDER gets the tables as files, provenance beside each, and shown.json."""
    from django.core.management import call_command

    for study in STUDIES:
        for format in ("long", "wide"):
            call_command(
                "export_reads", study=study, format=format, output=str(folder / f"{study}.{format}.csv"), why=WHY
            )
        for question in QUESTIONS:
            output = str(folder / f"{study}.{question}.imrmc")
            call_command("export_reads", study=study, format="imrmc", question=question, output=output, why=WHY)
    (folder / "shown.json").write_text(json.dumps(shown(), indent=1) + "\n", encoding="utf-8")


def shown() -> dict[str, Any]:
    """What the reader in the middle of old-open is sent: facts, examples, and the SHA-256 of each file."""
    reader, api = client_of(READER), "/api/reading/old-open/"
    state = reader.get(f"{api}state/").json()
    examples = [reader.get(f"{api}assignments/{place}/").json() for place in range(1, state["read"]["total"] + 1)]
    return {
        "state": state,
        "examples": examples,
        "files": {address: sha256(reader, address) for example in examples for address in addresses(example)},
    }


def addresses(data: Any) -> list[str]:
    """Those of files, wherever they stand in an example's facts."""
    if isinstance(data, dict):
        return [address for value in data.values() for address in addresses(value)]
    if isinstance(data, list):
        return [address for value in data for address in addresses(value)]
    return [data] if isinstance(data, str) and data.startswith("/reading/") else []


def sha256(client: Any, address: str) -> str:
    """Of what is sent from there, whatever its status."""
    response = client.get(address)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return hashlib.sha256(content).hexdigest()


def client_of(username: str) -> Any:
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client()
    client.force_login(get_user_model().objects.get(username=username))
    return client

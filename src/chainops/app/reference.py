"""Writes docs/reference/config.md from the models, so that every setting is named as it is.

python -m chainops.app.reference > docs/reference/config.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from chainops.app.config import json_schema
from chainops.app.stage_graph import DEFAULTS

Schema = Mapping[str, Any]

_HEAD = """\
# chainops.yaml

Generated from the code by `python -m chainops.app.reference`; a test holds it to the code.

It lies in the folder that is given to `chainops run`. Where that folder has neither a configuration nor a
project of its own, the one of the only project below it is used. With `repository_url` the workspace's holds:
a `chainops.yaml` in the cloned repository is not used, as whoever changes a repository must not choose what
it is judged by.

Without a file the defaults below hold and the project is found by detection. `chainops init` writes a first
file, `chainops config check` shows every mistake of one with its place, `chainops config show` prints every
setting as it holds, `chainops schema` prints the JSON Schema for editors.

YAML is read as YAML 1.2 does, with one exception: `0x…` is text, so that addresses keep their zeros. `yes`,
`on` and dates are text where text is wanted. Keys are text. Anchors, aliases and `<<` work; tags do not.

## References

| written | means |
|---|---|
| `${NAME}` | the environment variable, anywhere in a text; an error when it is not set |
| `${NAME:-value}` | the environment variable, or the value |
| `$${` | a literal `${` |
| `secret://env/NAME` | a secret from the environment; the whole value |
| `secret://file/path` | a secret from a file, the path from the configuration's folder; the whole value |

Secrets are resolved when they are used, masked in every log, and never written to a result: results hold
the reference. A value under `environment_vars` that looks like a key, a token or a mnemonic itself is
refused. The keys of the public development mnemonic (`test test … junk`) are no secrets.

## Conditions

`stages.<name>.when` is a condition:

```
branch == "main" and not pull_request
tag matches "v*" or event == "schedule"
changed("src/**", "foundry.toml")
network != "embedded"
```

Names: `branch`, `tag`, `event`, `network` (texts; true when not empty), `pull_request`, `ci` (true or
false), `true`, `false`. Operators: `==`, `!=`, `matches` (a glob), `and`, `or`, `not`, parentheses.
`changed(…)` takes globs and is true when a file that differs from the base fits one of them, or when it is
not known what differs. In globs `*` stays within a part of a path and `**` crosses parts.

The base is the target of a pull or merge request, else the commit before the push, else `origin/HEAD`; it is
not known in a shallow clone that does not hold it, nor with `repository_url`. Paths are relative to the
project; uncommitted and untracked files count.
"""

_DEPENDENCIES = """\
## How dependencies are installed

npm runs with the user's own configuration (registry, proxy, credentials) and installs what the lockfile
pins by hash; install scripts are off unless `allow_scripts` lists the package, and a listed script runs
with a private HOME and without keys. A project's `.npmrc` may choose registries and the layout of
`node_modules`. One that sets anything that can run a program or takes a value from the environment
(`${NPM_TOKEN}`) is refused, as a repository could send the machine's token to a registry of its own;
`allow_npmrc: true` trusts it.
"""


def reference() -> str:
    """Return the page."""
    schema = json_schema()
    parts = [_HEAD, "## Settings\n", _table(schema, schema)]
    for path, section in _sections(schema, schema, ""):
        title = f"### `{path}`\n"
        text = _prose(section)
        parts += [title + (f"\n{text}\n" if text else ""), _table(section, schema)]
    return "\n".join([*parts, _stages_page(schema), _DEPENDENCIES]).rstrip() + "\n"


def _resolve(node: Schema, schema: Schema) -> Schema:
    ref = node.get("$ref")
    return schema["$defs"][ref.rpartition("/")[2]] if isinstance(ref, str) else node


def _sections(node: Schema, schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Yield every mapping of settings below `node` with its path; stages have a page of their own."""
    for name, field in node.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        if here == "stages":
            continue
        for inner_path, inner in _mappings(field, schema, here):
            yield inner_path, inner
            yield from _sections(inner, schema, inner_path)


def _mappings(field: Schema, schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    node = _resolve(field, schema)
    if node.get("properties"):
        yield path, node
        return
    for option in node.get("anyOf", ()):
        yield from _mappings(option, schema, path)
    if isinstance(node.get("items"), Mapping):
        yield from _mappings(node["items"], schema, f"{path}[]")
    if isinstance(node.get("additionalProperties"), Mapping):
        yield from _mappings(node["additionalProperties"], schema, f"{path}.<name>")


def _table(node: Schema, schema: Schema) -> str:
    rows = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    required = node.get("required", ())
    for name, field in node.get("properties", {}).items():
        default = "required" if name in required else _default(field)
        meaning = str(field.get("description") or _resolve(field, schema).get("description") or "")
        rows.append(f"| `{name}` | {_type(field, schema)} | {default} | {_cell(meaning)} |")
    return "\n".join(rows) + "\n"


def _default(field: Schema) -> str:
    if "default" not in field or field["default"] in (None, "", [], {}):
        return ""
    return f"`{json.dumps(field['default'], ensure_ascii=False)}`"


def _type(field: Schema, schema: Schema) -> str:
    node = _resolve(field, schema)
    if "enum" in node or "const" in node:
        return " or ".join(f"`{value}`" for value in node.get("enum", [node.get("const")]))
    if "anyOf" in node:
        kinds = [_type(option, schema) for option in node["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    if node.get("type") == "array":
        return f"list of {_type(node['items'], schema)}" if node.get("items") else "list"
    if node.get("type") == "object":
        inner = node.get("additionalProperties")
        return f"mapping of {_type(inner, schema)}" if isinstance(inner, Mapping) else "mapping"
    return names.get(str(node.get("type")), "any value")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _prose(node: Schema) -> str:
    return " ".join(str(node.get("description", "")).split())


def _stages_page(schema: Schema) -> str:
    stages = schema["$defs"]["Stages"]["properties"]
    common = schema["$defs"]["StageSettings"]
    parts = [
        "### `stages.<name>`\n\nSettings of any stage. One that is left out runs with the defaults.\n",
        _table(common, schema),
        "| stage | needs | timeout_s |\n|---|---|---|\n"
        + "\n".join(
            f"| `{name}` | {', '.join(f'`{n}`' for n in d.needs)} | {d.timeout_s:g} |"
            for name, d in DEFAULTS.items()
        )
        + "\n",
    ]
    matrix = schema["$defs"]["MatrixSettings"]
    parts += [f"### `stages.<name>.matrix`\n\n{_prose(matrix)} See matrix.md.\n", _table(matrix, schema)]
    for name, field in stages.items():
        options = _resolve(_resolve(field, schema)["properties"]["options"], schema)
        if options.get("properties"):
            parts += [f"### `stages.{name}.options`\n", _table(options, schema)]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(reference())

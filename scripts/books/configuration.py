#!/usr/bin/python3
"""Writes docs/configuration.md from the schema of the configuration: truegate config schema | configuration.py > docs/configuration.md"""

import json
import pathlib
import re
import sys

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"

INTRODUCTION = """# Configuration

This page lists every key of the configuration of the [gateway](gateway.md). It is made from the schema by which `truegate config schema`
lets [editors](gateway.md#editors-and-scripts) complete and check a configuration. `truegate config default` prints a configuration
with every key, its default and these texts.

- The configuration is YAML. Only `upstream` is required. An unknown key is a mistake, and so is a key that is there twice.
- **Durations** have a unit: `2500ms`, `1s`, `2m`. **Sizes** are bytes, or have a unit: `512`, `16KiB`, `1MiB`.
- **References.** In any value, `${NAME}` is an environment variable and `${file:PATH}` is the content of a file without its last line
  break. Within `[ ]` and `{ }` put quotes around them. Write `$${` for a plain `${`. Inside a URL, truegate percent-encodes what it
  inserts, so a password may contain any character. If a variable is the whole value, truegate inserts it unchanged.
- **Paths** are relative to the file of the configuration. Only the path of an app's Unix socket must be absolute.
- **Secrets** are marked. No log, error or output of a command shows them, nor what a reference inserts. `truegate check` shows only
  values that cannot be secret.
- `NAME` stands for a name of your choice.
"""


def main():
    schema = json.load(sys.stdin)
    page = Page(schema["properties"])
    for key in schema["properties"]:
        page.section([key], key in schema.get("required", []))
    print(INTRODUCTION + "".join(page.parts), end="")


class Page:
    def __init__(self, keys):
        self.keys, self.parts = keys, []
        self.shipped = shipped()
        # Where each section is told: several may have the same keys, such as `upstream` and the members of `upstreams`.
        self.places = {shape(fields): path for key in keys for path, fields in sections([key], keys[key])}

    def section(self, path, is_required=False, schema=None):
        schema = schema or self.keys[path[0]]
        level = 1 + sum(name != "NAME" for name in path)
        self.parts.append(f"\n{'#' * level} `{'.'.join(path)}`\n\n{text(schema.get('description', ''))}\n")
        found = own(path, schema)
        if len(path) == 1:
            default = self.standard(path, schema)
            default = "Required." if is_required else default and f"Default: {default}."
            self.parts.append(f"\n{f'Value: {self.value(path, schema)}{secret(schema)}. {default}'.strip()}\n")
        if not self.is_here(found):
            return
        place, fields = found
        self.parts.append("\n| key | value | default | what it is for |\n|---|---|---|---|\n")
        told, nested = schema.get("description"), []
        described = {}
        for key, field in fields["properties"].items():
            sentence = field.get("description", "")
            alike = described.setdefault(sentence, key)
            if sentence == told:
                sentence = ""
            elif alike != key:
                sentence = f"As for `{alike}`."
            elif self.is_of_all_apps(path, key, sentence):
                sentence = f"As in [`{path[-1]}`](#{anchor(path[-1:])})."
            else:
                sentence = cell(text(sentence))
            value = self.value([*place, key], field) + secret(field)
            default = "required" if key in fields.get("required", []) else self.standard([*place, key], field, told)
            self.parts.append(f"| `{key}` | {cell(value)} | {cell(default)} | {sentence} |\n")
            nested += [([*place, key], field)] if self.is_here(own([*place, key], field)) else []
        for inner, field in nested:
            self.section(inner, schema=field)

    def is_of_all_apps(self, path, key, sentence):
        """Whether the section of an app has this key from the section of the same name for all apps."""
        found = len(path) > 1 and path[-1] in self.keys and own(path[-1:], self.keys[path[-1]])
        return bool(found) and found[1]["properties"].get(key, {}).get("description") == sentence

    def is_here(self, found):
        """Whether the keys of a section are told at its own path."""
        return found is not None and self.places[shape(found[1])] == found[0]

    def standard(self, path, schema, told=None):
        """The default: that of the schema, that in the configuration, or else that in the sentence about the key, if it has its own."""
        if "default" in schema:
            default = schema["default"]
            return f"`{default if isinstance(default, str) else json.dumps(default)}`"
        if tuple(path) in self.shipped:
            return " ".join(f"`{value}`" for value in self.shipped[tuple(path)])
        sentence = schema.get("description", "")
        found = re.search(r"\bDefaults? to (.+?)[.:;,]?(?:(?<=[.:;,])\s|$)", sentence, re.DOTALL)
        default = found[1].removesuffix(".") if found and sentence != told else ""
        is_value = re.fullmatch(r"[\w./\[\]-]+", default) and default != "none"
        if is_value and own(path, schema):
            return ""  # That of one of its keys.
        return f"`{default}`" if is_value else text(default)

    def value(self, path, schema):
        """What may be written."""
        kinds = [kind for kind in schema.get("anyOf", [schema]) if not is_reference_for_words(kind)]
        singles = list(dict.fromkeys(self.kind(path, kind) for kind in kinds if "items" not in kind))
        for elements in (kind["items"] for kind in kinds if "items" in kind):
            of = self.value(path, elements)
            alike = {listed(singles): "a list of these", "a mapping": "a list of mappings"}
            singles.append(alike.get(of, f"a list of: {of}"))
        return listed(singles)

    def kind(self, path, schema):
        if "enum" in schema:
            return listed([f"`{word}`" for word in schema["enum"] if isinstance(word, str)])
        if "properties" in schema:
            place = self.places[shape(schema)]
            return "a mapping" if place == [path[0]] else f"a mapping ([`{'.'.join(place)}`](#{anchor(place)}))"
        if isinstance(schema.get("additionalProperties"), dict):
            return f"a mapping of names to: {self.value([*path, 'NAME'], schema['additionalProperties'])}"
        must = schema.get("patternErrorMessage", "must be text").removeprefix("must be ")
        must = must.replace("http://, https:// or unix: and a server", "the URL of a server")
        return must.replace("true or false", "`true` or `false`").replace("unix:", "`unix:`")


def is_reference_for_words(schema):
    """Whether this only lets a reference stand in place of one of some words."""
    return schema.get("pattern") == r"\$\{" and schema.get("type") == "string"


def listed(kinds):
    return " or ".join(filter(None, [", ".join(kinds[:-1]), *kinds[-1:]]))


def shipped():
    """The values in the configuration that is shipped, in which each key that is not commented out has its default."""
    values, open_keys = {}, []
    for line in (DOCS.parent / "config.yaml").read_text().splitlines():
        match = re.fullmatch(r"( *)(?:- (\S+)|([a-z_]+):(?: (.+))?)", line)
        if not match:
            continue
        indent, element, key, value = len(match[1]), match[2], match[3], match[4]
        open_keys = [(at, name) for at, name in open_keys if at < indent]
        if key:
            open_keys.append((indent, key))
        if element or value:
            values.setdefault(tuple(name for _, name in open_keys), []).append(element or value)
    return values


def sections(path, schema):
    """All sections within a value, with the paths that they are told under."""
    found = own(path, schema)
    if found:
        yield found
        for key, field in found[1]["properties"].items():
            yield from sections([*found[0], key], field)


def own(path, schema):
    """The section that a value is, or that its elements or members are, and its path."""
    if "properties" in schema:
        return path, schema
    inner = [(path, kind) for kind in schema.get("anyOf", [])]
    inner += [(path, schema["items"])] if "items" in schema else []
    members = schema.get("additionalProperties")
    inner += [([*path, "NAME"], members)] if isinstance(members, dict) else []
    return next(filter(None, (own(*candidate) for candidate in inner)), None)


def shape(schema):
    """A schema without its texts, by which two sections with the same keys are known."""
    def bare(value):
        if isinstance(value, dict):
            return {key: bare(inner) for key, inner in value.items() if key != "description" or not isinstance(inner, str)}
        return [bare(inner) for inner in value] if isinstance(value, list) else value

    return json.dumps(bare(schema), sort_keys=True)


def secret(schema):
    parts = [schema, *schema.get("anyOf", []), schema.get("items", {}), schema.get("additionalProperties", {})]
    return "; **secret**" if any(isinstance(part, dict) and part.get("writeOnly") for part in parts) else ""


def text(description):
    """A comment of config.yaml as Markdown: references to pages are links."""
    def title(match):
        heading = (DOCS / match[1]).read_text().split("\n", 1)[0].removeprefix("# ")
        return f"[{heading}]({match[1]})"

    spans = re.split(r"(`[^`]*`)", description)
    spans[::2] = [re.sub(r"docs/([a-z-]+\.md)", title, re.sub(r"([<*|])", r"\\\1", span)) for span in spans[::2]]
    return "\n".join(line.strip() for line in "".join(spans).replace("\n", "\\\n").split("\n"))


def cell(sentence):
    return sentence.replace("\\\n", "<br>").replace("\n", "<br>")


def anchor(path):
    """That of the heading above a table. The members of a mapping are told under the mapping's own name."""
    names = path[:-1] if path[-1] == "NAME" else path
    return re.sub(r"[^a-z0-9_-]", "", "".join(names).lower())


main()

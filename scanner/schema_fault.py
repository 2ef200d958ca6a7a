"""What is wrong with a document that is not of its JSON Schema, in plain words and at its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scanner.safe_text import inert

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "nothing",
}


class SchemaFault(NamedTuple):
    """One thing wrong: `trail` leads to it, to a key that is missing or should not be there as well."""

    trail: tuple[Any, ...]
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.what}; {self.hint}" if self.hint else self.what


def schema_faults(schema: Mapping[str, Any], document: Any) -> Iterator[SchemaFault]:
    """Everything wrong with a document, each once; `errorMessage` in a schema says it in its own words."""
    from jsonschema import Draft202012Validator, FormatChecker

    formats = FormatChecker()
    formats.checks("regex", raises=(re.error, OverflowError, RecursionError))(_is_regex)
    validator = Draft202012Validator(schema, format_checker=formats)
    found = (fault for error in validator.iter_errors(document) for fault in _worded(error))
    yield from dict.fromkeys(found)


def _is_regex(text: Any) -> bool:
    return not isinstance(text, str) or bool(re.compile(text))


def _worded(error: Any) -> Iterator[SchemaFault]:
    from jsonschema.exceptions import best_match

    error = best_match([error])
    trail, asked, found = tuple(error.absolute_path), error.validator_value, error.instance
    if "propertyNames" in error.absolute_schema_path:
        trail = (*trail, found)
    if error.validator == "additionalProperties" and not asked:
        known = error.schema.get("properties", {})
        unknown = [key for key in found if key not in known]
        yield from (SchemaFault((*trail, key), "unknown key", _like(str(key), known)) for key in unknown)
    elif error.validator == "required":
        yield from (SchemaFault((*trail, key), "is missing") for key in asked if key not in found)
    elif error.validator == "dependentRequired":
        for key, others in asked.items():
            missing = [other for other in others if key in found and other not in found]
            yield from (SchemaFault((*trail, other), f"is missing beside {key}") for other in missing)
    else:
        own = error.schema.get("errorMessage") if isinstance(error.schema, dict) else None
        yield SchemaFault(trail, own or _demanded(error.validator, asked, found))


def _demanded(keyword: str | None, asked: Any, found: Any) -> str:
    match keyword:
        case "type":
            kinds = [asked] if isinstance(asked, str) else asked
            return f"must be {' or '.join(_KINDS[kind] for kind in kinds)}"
        case "enum":
            return f"'{inert(str(found), 60)}' is none of {', '.join(map(str, asked))}"
        case "const":
            return f"must be {json.dumps(asked)}"
        case "pattern":
            return f"does not match {asked}"
        case "uniqueItems":
            return "holds a value twice"
        case "minItems" | "minLength" | "minProperties" if asked == 1:
            return "is empty"
        case "format":
            return f"is no {'regular expression' if asked == 'regex' else asked}"
        case "oneOf" | "anyOf":
            return "has none of the forms that it may have"
        case None:
            return "must not be there"
    return f"is against {keyword}: {inert(str(asked))}"


def _like(key: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"

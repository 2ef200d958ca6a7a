"""The requests that an API call makes, with the condition keys that SageMaker derives from its parameters."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from scanner import catalog
from scanner.folder import data_folder, read_yaml
from scanner.model import SmguardError
from scanner.policy.request import MULTIVALUED, Request, read_principal
from scanner.template.document import shown
from scanner.value import as_text

CALLER = "arn:aws:iam::111122223333:role/caller"
WORLD = {"omitted": ("absent", "default"), "deprecated": ("sent", "dropped"), "several": ("each", "once")}
"""What no source settles of the requests that a call makes; see `derive`."""
_FIELD = re.compile(r"\{([^{}]+)\}")
_MOST_REQUESTS = 64


class Call(NamedTuple):
    """The requests of one call, and what was taken for granted in making them."""

    requests: tuple[Request, ...]
    assumptions: tuple[str, ...]


def requests_of(action: str, parameters: Mapping[str, Any], **how: Any) -> list[Request]:
    """The requests alone; see `derive`."""
    return list(derive(action, parameters, **how).requests)


def derive(
    action: str,
    parameters: Mapping[str, Any],
    *,
    omitted: str = "absent",
    deprecated: str = "sent",
    several: str = "each",
    principal: str = CALLER,
    region: str = "us-east-1",
) -> Call:
    """What a call such as CreateTrainingJob asks for, its parameters given as boto3 takes them.

    What no source settles is said by the caller: whether SageMaker leaves the key of an `omitted` parameter
    "absent" or fills in the "default", whether `deprecated` names of keys are still "sent" or "dropped", and
    whether a call of `several` definitions or variants asks for "each", which must all be allowed, or "once".
    """
    name = action.removeprefix("sagemaker:")
    if not name.isalnum():
        raise SmguardError(f"'{shown(action)}' is no SageMaker action such as CreateTrainingJob")
    if not isinstance(parameters, Mapping):
        raise SmguardError(f"the parameters of {name} are no JSON object")
    table = load()
    call = table["calls"].get(name)
    who = read_principal(principal)
    partition = principal.split(":")[1] if principal.startswith("arn:") else "aws"
    prefix = f"arn:{partition}:sagemaker:{region}:{who.account or '*'}:"
    assumed: list[str] = []
    if call is None:
        call = {"resource": "*"}
        assumed.append(f"{name} has no condition keys but those of its tags")
    if call.get("elsewhere"):
        keys = ", ".join(f"sagemaker:{key}" for key in call["elsewhere"])
        assumed.append(f"the request has no {keys}: the parameters don't tell")
    resource = (
        "*" if call["resource"] == "*" else _arn(call["resource"], parameters, parameters, prefix) or "*"
    )
    starts = [each for path in call.get("each", ()) for each in _values(parameters, path)]
    tags = dict(_tags(parameters))
    requests: list[Request] = []
    for start in starts[:_MOST_REQUESTS] or [{} if "each" in call else parameters]:
        given = {
            key: values
            for key, rule in call.get("keys", {}).items()
            if (values := _key(key, rule, start, parameters, prefix))
        }
        # A schedule without a definition of its own has nothing that could be filled in.
        if omitted == "default" and name.startswith("Create") and (starts or "each" not in call):
            for key in call.get("keys", {}):
                if key in table["defaults"] and key not in given:
                    given[key] = [table["defaults"][key]]
        if deprecated == "sent":
            for key, old_names in table["deprecated"].items():
                given.update((old, given[key]) for old in old_names if key in given)
        requests += [
            Request(principal, f"sagemaker:{name}", resource, who.account, {**context, **tags})
            for context in _spread(given)
        ]
    if len(starts) > _MOST_REQUESTS:
        raise SmguardError(f"{name} names more than {_MOST_REQUESTS} definitions or variants")
    if len(requests) > 1 and several == "once":
        assumed.append("SageMaker asks once: of lists for all definitions or variants, else for the first")
        requests = [_as_one(requests)]
    elif len(requests) > 1:
        assumed.append(f"SageMaker asks {len(requests)} times, once for each definition, variant or value")
    if any(_is_key_id(key, value) for request in requests for key, value in request.context.items()):
        assumed.append("SageMaker sends the id or alias of a KMS key as it was given")
    return Call(tuple(requests), tuple(assumed))


def _as_one(requests: list[Request]) -> Request:
    """One request with the lists of all, and of other keys the first value."""
    context: dict[str, Any] = {}
    for each in requests:
        for key, value in each.context.items():
            known = context.setdefault(key, value)
            if isinstance(known, list):
                context[key] = [*known, *(it for it in value if it not in known)]
    return requests[0]._replace(context=context)


def unsettled(request: Request) -> tuple[str, ...]:
    """What must be taken for granted of the condition keys that a request says."""
    names = {key.lower() for key in request.context}
    if not any(name.startswith("sagemaker:") and name.endswith("kmskey") for name in names):
        return ()
    old = [f"sagemaker:{each}" for listed in load()["deprecated"].values() for each in listed]
    return tuple(f"AWS still sends the deprecated key {each}" for each in old if each.lower() in names)


@cache
def load() -> dict[str, Any]:
    """What `policies/_calls.yaml` says: {deprecated, defaults, calls}."""
    found: dict[str, Any] | None = catalog.data("calls.json")
    return read(os.path.join(data_folder("policies"), "_calls.yaml")) if found is None else found


def read(path: str) -> dict[str, Any]:
    """The table as it is written, for the build and for a source checkout."""
    found: dict[str, Any] = read_yaml(path)
    del found["shared"]
    return found


def _key(key: str, rule: Any, start: Any, parameters: Any, prefix: str) -> list[Any]:
    """The values of one condition key: texts, or mappings that stand for keys of the form key/name."""
    if isinstance(rule, dict) and "arn" in rule:
        arn = _arn(rule["arn"], start, parameters, prefix)
        return [arn] if arn else []
    if isinstance(rule, dict):
        found = [re.search(rule["match"], str(each)) for each in _values(start, rule["of"])]
        return [match[1] for match in found if match]
    values: list[Any] = []
    for path in rule if isinstance(rule, list) else [rule]:
        source, path = (parameters, path[1:]) if path.startswith(".") else (start, path)
        values += [each for each in _values(source, path) if each not in ("", None, [], {})]
    mappings = [each for each in values if isinstance(each, dict)]
    return mappings or list(dict.fromkeys(as_text(each) for each in values if not isinstance(each, list)))


def _spread(given: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Contexts that together hold every value of the keys that can have only one at a time."""
    single = {key: values for key, values in given.items() if f"sagemaker:{key}".lower() not in MULTIVALUED}
    count = max((len(values) for values in single.values()), default=1)
    for index in range(min(count, _MOST_REQUESTS)):
        context: dict[str, Any] = {}
        for key, values in given.items():
            value = values[min(index, len(values) - 1)] if key in single else values
            if isinstance(value, dict):
                context.update((f"sagemaker:{key}/{name}", as_text(each)) for name, each in value.items())
            else:
                context[f"sagemaker:{key}"] = value
        yield context


def _values(node: Any, path: str) -> list[Any]:
    """What a path of `_calls.yaml` leads to."""
    if not path:
        return [node]
    head, _, rest = path.partition(".")
    if head == "**":
        below = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
        return [*_values(node, rest), *(value for each in below for value in _values(each, path))]
    name = head.rstrip("[]{}?")
    if not isinstance(node, Mapping) or name not in node:
        return []
    value = node[name]
    if head.endswith("?"):
        return [True]
    if head.endswith("[]"):
        return [each for item in value for each in _values(item, rest)] if isinstance(value, list) else []
    return _values(value, rest)


def _arn(template: str, start: Any, parameters: Any, prefix: str) -> str | None:
    """An ARN with its fields filled in; None if a parameter is missing."""
    missing = False

    def fill(match: re.Match[str]) -> str:
        nonlocal missing
        for path in match[1].split("|"):
            for value in (*_values(start, path), *_values(parameters, path)):
                if isinstance(value, str) and value:
                    return value.rpartition("/")[2] if value.startswith("arn:") else value
        missing = True
        return ""

    text = _FIELD.sub(fill, template)
    return None if missing else prefix + text


def _tags(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    tags = parameters.get("Tags")
    pairs = [each for each in tags if isinstance(each, Mapping)] if isinstance(tags, list) else []
    named = [(str(each["Key"]), str(each.get("Value", ""))) for each in pairs if "Key" in each]
    for name, value in named:
        yield f"aws:RequestTag/{name}", value
    if named:
        yield "aws:TagKeys", [name for name, _ in named]


def _is_key_id(key: str, value: Any) -> bool:
    return key.endswith("KmsKeyArn") and not str(value).startswith("arn:")

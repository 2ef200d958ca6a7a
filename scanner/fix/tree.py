"""Where everything stands in a template's text: YAML's node tree, of JSON as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from scanner.fix.patch import Unfit
from scanner.template.template import LOOP

Pair = tuple[Node, Node]
"""A key and its value."""

_JSON_ONLY = re.compile("[\t\x7f-\xa0\u2028\u2029\ufeff]")
"""What JSON takes in a text and YAML doesn't, or breaks lines at."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_ALIAS = re.compile(r"\s*:\s*\*[^\s,\[\]{}]+")
_MAP = "tag:yaml.org,2002:map"


def compose(text: str) -> MappingNode:
    """The node tree of a template; raises Unfit where YAML can't tell the places."""
    if text.lstrip()[:1] in ("{", "["):
        # Only places are wanted, so other characters will do, as long as they are as many.
        text = _HALF.sub(r"\\u00", _JSON_ONLY.sub(" ", text))
    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, UnicodeEncodeError):
        root = None
    if not isinstance(root, MappingNode):
        raise Unfit("its places in the text can't be told")
    return root


class Tree:
    """The nodes of a template. Raises Unfit where YAML can't tell the places."""

    def __init__(self, text: str) -> None:
        self.root = compose(text)
        self._entries: dict[int, dict[str, list[Pair]]] = {}

    def find(self, node: Node | None, name: str) -> Pair | None:
        """An entry of a mapping; raises Unfit where it can't be edited."""
        if not isinstance(node, MappingNode) or node.tag != _MAP:
            raise Unfit(f"{name} belongs where no plain mapping stands")
        entries = self._entries.get(id(node))
        if entries is None:
            entries = self._entries[id(node)] = {}
            for pair in node.value:
                entries.setdefault(str(pair[0].value), []).append(pair)
        pairs = entries.get(name, [])
        if len(pairs) > 1:
            raise Unfit(f"the key {name} stands more than once")
        if pairs and _is_alias(*pairs[0]):
            raise Unfit(f"{name} is an alias of what stands elsewhere")
        return pairs[0] if pairs else None


def _is_alias(key: Node, value: Node) -> bool:
    """The tree holds the anchored node in place of an alias, and that stands before."""
    return bool(value.start_mark.index < key.start_mark.index)


def end_of(text: str, key: Node, value: Node) -> int:
    """The offset at which an entry ends: behind the last text of its value, whatever follows it."""
    if _is_alias(key, value):
        found = _ALIAS.match(text, key.end_mark.index)
        if found is None:
            raise Unfit("an alias stands in the way")
        return found.end()
    if not isinstance(value, CollectionNode) or value.flow_style or not value.value:
        return max(int(value.end_mark.index), int(key.end_mark.index))
    if isinstance(value, MappingNode):
        return end_of(text, *value.value[-1])
    return end_of(text, key, value.value[-1])


def resources(node: Any, trail: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Node, Node]]:
    """The resources written below a node, those in the bodies of loops included: path, key and value."""
    for key, value in node.value if isinstance(node, MappingNode) else ():
        if str(key.value).startswith(LOOP) and isinstance(value, SequenceNode) and len(value.value) == 3:
            yield from resources(value.value[2], (*trail, key.value, 2))
        else:
            yield (*trail, key.value), key, value

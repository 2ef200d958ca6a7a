"""An editor as the server meets one: over stdio, with its own idea of lines, columns and edits."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import re
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import attrs
from lsprotocol import types
from pygls.io_ import run_async
from pygls.lsp.client import LanguageClient

from scanner.cli.lsp import read_settings
from scanner.lsp.server import build
from tests.door import CALM, MEASURED

SECONDS = 30
UNITS = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
"""Bytes that a column takes."""
RICH = types.ClientCapabilities(
    workspace=types.WorkspaceClientCapabilities(
        workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True)
    ),
    text_document=types.TextDocumentClientCapabilities(
        hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
        code_action=types.CodeActionClientCapabilities(
            resolve_support=types.ClientCodeActionResolveOptions(properties=["edit"])
        ),
    ),
)
"""What the well-known editors can do; `PLAIN` can do what the protocol demands."""
PLAIN = types.ClientCapabilities()


def serve(there: socket.socket) -> None:
    """The server as the command starts it, but for its streams."""
    with there, there.makefile("rb") as reading, there.makefile("wb") as writing:
        build(read_settings).start_io(reading, writing)


class Editor:
    """One editor with one workspace folder, and the encoding that it counts columns in."""

    def __init__(self, folder: Path, encoding: str = "utf-16") -> None:
        self.folder, self.encoding = folder, encoding
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.shown: list[str] = []
        """What the server told the user."""
        self._found: dict[str, types.PublishDiagnosticsParams] = {}
        self._news = asyncio.Event()
        self.client = client = LanguageClient("editor", "1")

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: types.PublishDiagnosticsParams) -> None:
            self._found[params.uri] = params
            self._news.set()

        @client.feature(types.WINDOW_SHOW_MESSAGE)
        def told(params: types.ShowMessageParams) -> None:
            self.shown.append(params.message)

    async def start(
        self, capabilities: types.ClientCapabilities, options: Any, process: bool = False
    ) -> types.InitializeResult:
        """Start the server, in a thread or in a process, and greet it."""
        if process:
            words = (sys.executable, "-m", "scanner", "lsp", "--stdio")
            await self.client.start_io(*words, cwd=os.sep, env={**CALM, **MEASURED})
        else:
            here, there = socket.socketpair()
            self._thread = Thread(target=serve, args=(there,))
            self._thread.start()
            reader, self._writer = await asyncio.open_connection(sock=here)
            protocol = self.client.protocol
            protocol.set_writer(self._writer)
            reading = run_async(self.client._stop_event, reader, protocol)
            self.client._async_tasks.append(asyncio.create_task(reading))
        folder = types.WorkspaceFolder(self.folder.as_uri(), "work")
        result = await self.client.initialize_async(
            types.InitializeParams(capabilities, workspace_folders=[folder], initialization_options=options)
        )
        self.client.initialized(types.InitializedParams())
        return result

    async def stop(self) -> None:
        """Say goodbye, and see that the server ends."""
        await self.client.shutdown_async(None)
        self.client.exit(None)
        server = self.client._server
        if server is None:
            await asyncio.to_thread(self._thread.join, SECONDS)
            assert not self._thread.is_alive()
            self._writer.close()
        else:
            assert server.stderr is not None
            assert await asyncio.wait_for(server.wait(), SECONDS) == 0
            said = (await server.stderr.read()).decode()
            assert "Traceback" not in said, said
        await self.client.stop()

    def uri(self, name: str) -> str:
        """Of a file in the workspace, or of a document without a file."""
        return name if ":" in name else (self.folder / name).as_uri()

    async def open(self, name: str, text: str, language: str = "yaml") -> list[types.Diagnostic]:
        """Open a document and wait for what is found."""
        uri = self.uri(name)
        self.texts[name], self.versions[name] = text, 1
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, language, 1, text))
        )
        return await self.found(name)

    async def replace(self, name: str, text: str) -> list[types.Diagnostic]:
        """Send a whole new text."""
        self.texts[name] = text
        return await self._change(name, [types.TextDocumentContentChangeWholeDocument(text)])

    async def type(self, name: str, *edits: tuple[str, str]) -> list[types.Diagnostic]:
        """Replace pieces of the text, each found once, and send the text that comes of it."""
        text = self.texts[name]
        for old, new in edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return await self.replace(name, text)

    async def _change(self, name: str, changes: Sequence[Any]) -> list[types.Diagnostic]:
        self.versions[name] += 1
        document = types.VersionedTextDocumentIdentifier(self.versions[name], self.uri(name))
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, changes))
        return await self.found(name)

    async def found(self, name: str) -> list[types.Diagnostic]:
        """The diagnostics of the newest text."""
        while True:
            params = self._found.get(self.uri(name))
            if params is not None and params.version == self.versions[name]:
                return list(params.diagnostics)
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), SECONDS)

    async def save(self, name: str) -> None:
        """Tell the server that the file was written; its news are those that come afterwards."""
        self._found.clear()
        document = types.TextDocumentIdentifier(self.uri(name))
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(document))

    async def close(self, name: str) -> list[types.Diagnostic]:
        """Close a document and wait until its diagnostics are taken back."""
        self._found.clear()
        document = types.TextDocumentIdentifier(self.uri(name))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(document))
        while self.uri(name) not in self._found:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), SECONDS)
        return list(self._found[self.uri(name)].diagnostics)

    async def hover(self, name: str, at: str) -> str | None:
        """The hover where a piece of the text begins."""
        position = self._position(self.texts[name], self.texts[name].index(at))
        document = types.TextDocumentIdentifier(self.uri(name))
        hover = await self.client.text_document_hover_async(types.HoverParams(document, position))
        if hover is None:
            return None
        assert isinstance(hover.contents, types.MarkupContent)
        return hover.contents.value

    async def actions(self, name: str, at: str, only: list[str] | None = None) -> dict[str, types.CodeAction]:
        """The code actions where a piece of the text begins, by title."""
        position = self._position(self.texts[name], self.texts[name].index(at))
        found = await self.client.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(self.uri(name)),
                types.Range(position, position),
                types.CodeActionContext([], only=only),
            )
        )
        actions = [action for action in found or [] if isinstance(action, types.CodeAction)]
        return {action.title: action for action in actions}

    async def apply(self, name: str, action: types.CodeAction) -> list[types.Diagnostic]:
        """Apply a code action, asking for its edit if it has none yet."""
        if action.edit is None:
            action = await self.client.code_action_resolve_async(action)
        assert action.edit is not None
        edits: Sequence[Any]
        if action.edit.document_changes is not None:
            (change,) = action.edit.document_changes
            assert isinstance(change, types.TextDocumentEdit)
            assert change.text_document.uri == self.uri(name)
            assert change.text_document.version == self.versions[name]
            edits = change.edits
        else:
            assert action.edit.changes is not None
            assert list(action.edit.changes) == [self.uri(name)]
            edits = action.edit.changes[self.uri(name)]
        return await self.replace(name, self._edited(self.texts[name], edits))

    def marked(self, name: str, area: types.Range) -> str:
        """What a range covers."""
        text = self.texts[name]
        return text[self._offset(text, area.start) : self._offset(text, area.end)]

    def _edited(self, text: str, edits: Sequence[types.TextEdit]) -> str:
        """As the protocol has it: no place moves, and of two at one place the first comes first."""
        pieces, at = [], 0
        for edit in sorted(edits, key=lambda each: self._offset(text, each.range.start)):
            start = self._offset(text, edit.range.start)
            assert start >= at
            pieces += [text[at:start], edit.new_text]
            at = self._offset(text, edit.range.end)
        return "".join([*pieces, text[at:]])

    def _position(self, text: str, at: int) -> types.Position:
        before = re.split(r"\r\n|\r|\n", text[:at])
        return types.Position(len(before) - 1, len(self._wide(before[-1])) // UNITS[self.encoding])

    def _offset(self, text: str, position: types.Position) -> int:
        start = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))][position.line]
        wide = self._wide(text[start:])[: position.character * UNITS[self.encoding]]
        return start + len(wide.decode(f"{self.encoding}-le" if "8" not in self.encoding else "utf-8"))

    def _wide(self, text: str) -> bytes:
        return text.encode(f"{self.encoding}-le" if "8" not in self.encoding else "utf-8")


def with_editor(
    folder: Path,
    use: Callable[[Editor], Awaitable[None]],
    capabilities: types.ClientCapabilities = RICH,
    options: Any = None,
    encoding: str = "utf-16",
    process: bool = False,
) -> None:
    """Let an editor use a server of its own, from greeting to goodbye."""

    async def run() -> None:
        editor = Editor(folder, encoding)
        general = types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind(encoding)])
        result = await editor.start(attrs.evolve(capabilities, general=general), options, process)
        assert result.capabilities.position_encoding == encoding
        await use(editor)
        await editor.stop()

    log = logging.StreamHandler(io.StringIO())
    logging.getLogger("pygls").addHandler(log)
    try:
        asyncio.run(run())
    finally:
        logging.getLogger("pygls").removeHandler(log)
    assert "Traceback" not in log.stream.getvalue(), log.stream.getvalue()


def seen(found: Sequence[types.Diagnostic]) -> list[str]:
    """Diagnostics as "level code line:character-line:character", as the protocol counts."""
    return [f"{each.severity.name.lower()} {each.code} {each.range}" for each in found if each.severity]


def said(found: Sequence[types.Diagnostic]) -> list[str]:
    """Their messages."""
    return [each.message for each in found]

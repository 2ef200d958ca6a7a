"""The language server over standard input and output."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from scanner import __version__
from scanner.fix.splice import Edit
from scanner.lsp import show
from scanner.lsp.judged import Judged, Settings
from scanner.lsp.text import Text
from scanner.model import Gap, SmguardError

_PAUSE = 0.2
"""Seconds without a change after which a text is judged."""

ReadSettings = Callable[[Any, str], Settings]
"""(initializationOptions, folder that paths in them start from) -> settings; raises SmguardError."""


class Document:
    """An open document: its newest text, and what was found in it, once that was asked for."""

    def __init__(self, text: Text, version: int) -> None:
        self.text, self.version = text, version
        self.judged: Judged | None = None
        self.fixes: dict[tuple[int, int], list[types.CodeAction]] = {}
        """First and last line -> what was offered there: a cursor that moves asks again and again."""
        self.timer: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """Wait no longer for the pause after which it is judged."""
        if self.timer is not None:
            self.timer.cancel()


class Server(LanguageServer):
    """The open documents with their texts, and what they are judged by."""

    def __init__(self, read_settings: ReadSettings) -> None:
        # Whole texts: what a part of one replaces depends on where an editor breaks its lines.
        super().__init__("smguard", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.documents: dict[str, Document] = {}
        self._read_settings = read_settings
        self._settings: Settings | None = None
        self._fault: Gap | None = None

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Say that something went wrong without repeating what a document holds."""
        message = f"smguard: {type(error).__name__} ({source.__name__})"
        self.window_show_message(types.ShowMessageParams(types.MessageType.Error, message))

    def roots(self) -> list[str]:
        """The folders of the workspace: a file in one of them leads to nothing outside of it."""
        uris = [folder.uri for folder in self.workspace.folders.values()] or [self.workspace.root_uri]
        return [path for uri in uris if uri and (path := to_fs_path(uri))]

    def configure(self, options: Any) -> None:
        """Take the client's settings; if they are wrong, all controls judge and every template says so."""
        folder = next(iter(self.roots()), os.curdir)
        try:
            self._settings = self._read_settings(options, folder)
        except SmguardError as error:
            self._settings = self._read_settings(None, folder)
            self._fault = Gap("initializationOptions", error.what, error.hint)

    def judged(self, uri: str) -> Judged:
        """What is found in the newest text of an open document."""
        document = self.documents[uri]
        if document.judged is None:
            assert self._settings is not None  # noqa: S101 - pygls refuses documents before initialize
            body, today = document.text.body, datetime.now(UTC).date()
            document.judged = Judged(body, to_fs_path(uri), self.roots(), self._settings, today)
            if self._fault is not None and document.judged.entry is not None:
                document.judged.remarks.append(self._fault)
        return document.judged

    def publish(self, uri: str) -> None:
        """Send what is found in an open document."""
        document = self.documents[uri]
        document.stop()
        found = show.diagnostics(self.judged(uri), document.text)
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, found, version=document.version)
        )

    def workspace_edit(self, uri: str, edits: list[Edit]) -> types.WorkspaceEdit:
        """Edits of the newest text, which the client refuses for any other if it knows versions."""
        document = self.documents[uri]
        changes = [types.TextEdit(document.text.range(start, end), text) for start, end, text in edits]
        capabilities = self.client_capabilities.workspace
        known = capabilities and capabilities.workspace_edit
        if not known or not known.document_changes:
            return types.WorkspaceEdit(changes={uri: changes})
        identifier = types.OptionalVersionedTextDocumentIdentifier(uri, document.version)
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, changes)])


def build(read_settings: ReadSettings) -> Server:
    """A server that is ready to be started."""
    server = Server(read_settings)
    documents = server.documents

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.configure(params.initialization_options)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        documents[item.uri] = Document(
            Text(item.text, server.workspace.position_encoding or "utf-16"), item.version
        )
        server.publish(item.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        document = documents[uri]
        document.stop()
        text = Text(params.content_changes[-1].text, document.text.encoding)
        document = documents[uri] = Document(text, params.text_document.version)
        document.timer = asyncio.get_running_loop().call_later(_PAUSE, server.publish, uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(_: types.DidSaveTextDocumentParams) -> None:
        for uri, document in documents.items():  # what was saved may be another one's nested stack
            document.judged = None
            document.fixes.clear()
            server.publish(uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        documents.pop(uri).stop()
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        uri = params.text_document.uri
        client = server.client_capabilities.text_document
        formats = (client and client.hover and client.hover.content_format) or ()
        rich = types.MarkupKind.Markdown in formats
        return show.hover(server.judged(uri), documents[uri].text, params.position, rich)

    kinds = [types.CodeActionKind.QuickFix, show.FIX_ALL]

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(kinds, resolve_provider=True))
    def code_actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        uri, only = params.text_document.uri, params.context.only
        judged, document = server.judged(uri), documents[uri]
        actions: list[types.CodeAction] = []
        if _asked(types.CodeActionKind.QuickFix.value, only):
            lines = params.range.start.line, params.range.end.line
            if lines not in document.fixes:
                document.fixes[lines] = list(
                    show.quick_fixes(
                        judged, document.text, lines, lambda edits: server.workspace_edit(uri, edits)
                    )
                )
            actions += document.fixes[lines]
        if _asked(show.FIX_ALL, only) and judged.has_mends():
            data = {"uri": uri, "version": document.version}
            action = types.CodeAction("Mend all that smguard can in this file", show.FIX_ALL, data=data)
            # To prove every edit of a file may take its time, so that waits until it is wanted.
            if _resolves(server.client_capabilities):
                actions.append(action)
            elif only is not None:
                actions.append(resolve(action))
        return actions

    @server.feature(types.CODE_ACTION_RESOLVE)
    def resolve(action: types.CodeAction) -> types.CodeAction:
        data = action.data if isinstance(action.data, dict) else {}
        document = documents.get(data.get("uri", ""))
        if document is not None and document.version == data.get("version"):
            action.edit = server.workspace_edit(data["uri"], server.judged(data["uri"]).fix_all())
        return action

    return server


def _asked(kind: str, only: Sequence[str] | None) -> bool:
    """Does a client that asks for some kinds of code actions, each with those below it, ask for this one?"""
    return only is None or any(
        f".{kind}.".startswith(f".{wanted}.".replace("..", ".")) for wanted in map(_plain, only)
    )


def _plain(kind: str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else kind


def _resolves(capabilities: types.ClientCapabilities) -> bool:
    actions = capabilities.text_document and capabilities.text_document.code_action
    return bool(actions and actions.resolve_support and "edit" in actions.resolve_support.properties)

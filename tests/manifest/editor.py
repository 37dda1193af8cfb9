"""The JSON language server of VS Code on a file, as an editor speaks with it: the Language Server Protocol over stdio."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.judges import install

SERVER = "node_modules/vscode-json-languageserver/bin/vscode-json-languageserver"
# The editor writes texts of keys and values as Markdown.
CAPABILITIES = {
    "textDocument": {
        "completion": {"completionItem": {"documentationFormat": ["markdown"], "snippetSupport": True}},
        "hover": {"contentFormat": ["markdown"]},
    }
}


class Editor:
    """An editor with one file open; a position is the place of a `|` in its text."""

    def __init__(self, file: Path, to_server: IO[bytes], from_server: IO[bytes]) -> None:
        self._uri, self._to, self._from = file.as_uri(), to_server, from_server
        self._sent = self._version = 0
        self._request("initialize", {"processId": None, "rootUri": file.parent.as_uri(), "capabilities": CAPABILITIES})
        self._send("initialized", {})
        opened = {"uri": self._uri, "languageId": "json", "version": 0, "text": file.read_text()}
        self._send("textDocument/didOpen", {"textDocument": opened})

    def completions(self, marked: str) -> dict[str, str]:
        """Return the label and explanation of each key or value that is offered."""
        found = self._at(marked, "completion")["items"]
        return {each["label"]: _text(each.get("documentation", "")) for each in found}

    def hover(self, marked: str) -> str:
        """Return the explanation of the key or value there."""
        found = self._at(marked, "hover")
        return "\n".join(map(_text, found["contents"])) if found else ""

    def diagnostics(self, text: str) -> list[str]:
        """Return "LINE: MESSAGE" for each mark of an error, with lines from 1, as soon as the server has judged the text."""
        self._replace(text)
        while (message := self._read()).get("method") != "textDocument/publishDiagnostics" or (
            message["params"].get("version", self._version) != self._version
        ):
            pass
        found = message["params"]["diagnostics"]
        return [f"{each['range']['start']['line'] + 1}: {each['message']}" for each in found]

    def close(self) -> None:
        """End the server as an editor does."""
        self._request("shutdown", None)
        self._send("exit", None)

    def _at(self, marked: str, what: str) -> Any:
        before, _, after = marked.partition("|")
        self._replace(before + after)
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        return self._request(f"textDocument/{what}", {"textDocument": {"uri": self._uri}, "position": position})

    def _replace(self, text: str) -> None:
        self._version += 1
        document = {"uri": self._uri, "version": self._version}
        self._send("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def _request(self, method: str, params: Any) -> Any:
        self._sent += 1
        self._send(method, params, id=self._sent)
        while (message := self._read()).get("id") != self._sent or "method" in message:
            pass
        return message["result"]

    def _send(self, method: str, params: Any, **more: int) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        self._to.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._to.flush()

    def _read(self) -> dict[str, Any]:
        length = 0
        while line := self._from.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(self._from.read(length))
        return message


def _text(content: str | dict[str, str]) -> str:
    """Return a text without the escapes of Markdown."""
    return (content if isinstance(content, str) else content["value"]).replace("\\", "")


@contextmanager
def opened(file: Path) -> Iterator[Editor]:
    """Start the server with a file."""
    words = ["node", str(install() / SERVER), "--stdio"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            editor = Editor(file, server.stdin, server.stdout)
            yield editor
            editor.close()
            assert server.wait() == 0
        finally:
            server.kill()

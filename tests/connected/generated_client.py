"""A Python client that openapi-python-client makes of a gateway's own /schema."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

NDJSON = "application/x-ndjson"
CONFIG = {"content_type_overrides": {NDJSON: "application/octet-stream"}, "post_hooks": []}


def for_this_generator(schema: dict[str, Any]) -> dict[str, Any]:
    """As docs/api.md says: it can't make one function of a body that is JSON or a stream of lines."""
    send = schema["paths"]["/v1/events"]["post"]
    del send["requestBody"]["content"][NDJSON]
    del send["responses"]["200"]
    return schema


class Generated:
    """The package `name`, generated. Functions by their tag and operation id, models by their name."""

    def __init__(self, http: httpx.Client, name: str) -> None:
        self.name = name
        package = importlib.import_module(name)
        self.client = package.Client(base_url=str(http.base_url), raise_on_unexpected_status=True)
        self.models = importlib.import_module(f"{name}.models")
        self.types = importlib.import_module(f"{name}.types")

    def ask(self, operation: str, *path: str, **asked: Any) -> Any:
        """The answer: `status_code`, `headers`, and `parsed` as the type that the document names."""
        module = importlib.import_module(f"{self.name}.api.{operation}")
        return module.sync_detailed(*path, client=self.client, **asked)


@contextmanager
def generated(http: httpx.Client, folder: Path, name: str = "headrace_client") -> Iterator[Generated]:
    """The client, importable while the block lasts. What the generator warns of fails."""
    (folder / "schema.json").write_text(json.dumps(for_this_generator(http.get("/schema").json())))
    (folder / "config.yml").write_text(json.dumps(CONFIG))
    program = Path(sys.executable).with_name("openapi-python-client")
    words = ["generate", "--path", "schema.json", "--config", "config.yml", "--meta", "none"]
    words += ["--output-path", name, "--fail-on-warning"]
    made = subprocess.run([str(program), *words], cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    try:
        made_of = Generated(http, name)
        with made_of.client:  # its connections end with it
            yield made_of
    finally:
        sys.path.remove(str(folder))
        for module in [each for each in sys.modules if each.split(".")[0] == name]:
            del sys.modules[module]

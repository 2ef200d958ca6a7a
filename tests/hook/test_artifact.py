"""The zips of the functions, in a Python that has nothing but what Lambda's has: boto3."""

from __future__ import annotations

import ast
import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import scanner
from scanner.deploy.bundle import bundles
from scanner.deploy.slim import slim
from tests.building import clean
from tests.hook.events import resource_event, stack_event
from tests.hook.s3 import serving

LAMBDA = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
"""What the runtime of Lambda brings along."""
SLOW = {
    "boto3",
    "botocore",
    "asyncio",
    "concurrent.futures",
    "hashlib",
    "http.client",
    "jsonschema",
    "logging",
    "pathlib",
    "random",
    "ssl",
    "urllib.request",
}
"""What no import of a function may cost."""
NOTEBOOK = "AWS::SageMaker::NotebookInstance"
TEMPLATE = f"""
Resources:
  Mine:
    Type: {NOTEBOOK}
    Properties: {{RootAccess: !Sub Enabled}}
"""
ITEM = {
    "configurationItemCaptureTime": "2026-11-21T10:00:00.000Z",
    "configurationItemStatus": "OK",
    "awsAccountId": "111122223333",
    "awsRegion": "us-east-1",
    "ARN": "arn:aws:sagemaker:us-east-1:111122223333:notebook-instance/mine",
    "resourceId": "mine",
    "resourceName": "mine",
    "resourceType": NOTEBOOK,
    "configuration": {"NotebookInstanceName": "mine", "RootAccess": "Enabled"},
}
RULE = {
    "invokingEvent": json.dumps(
        {"messageType": "ConfigurationItemChangeNotification", "configurationItem": ITEM}
    ),
    "ruleParameters": json.dumps({"control": "notebook-root-access"}),
    "resultToken": "token",
    "eventLeftScope": False,
    "accountId": "111122223333",
    "configRuleName": "sagemaker-notebook-root-access",
    "configRuleArn": "arn:aws:config:us-east-1:111122223333:config-rule/config-rule-abcdef",
    "executionRoleArn": "arn:aws:iam::111122223333:role/rules",
    "version": "1.0",
}
RUN = """
import json, sys
class Context:
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:mine"
    def get_remaining_time_in_millis(self):
        return 300_000
from MODULE import handle
before = sorted(sys.modules)
said = handle(json.loads(sys.stdin.read()), Context())
print(json.dumps([said, before, sorted(sys.modules), sys.path]))
"""


class Config(ThreadingHTTPServer):
    """AWS Config, as far as evaluations are put: `told` is what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.told: list[Any] = []


class _Answer(BaseHTTPRequestHandler):
    server: Config

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.headers["X-Amz-Target"], asked))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of Lambda's Python and no other."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in LAMBDA:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (folder / origin.name).symlink_to(origin)
    return folder


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where each zip is unpacked."""
    folders = {}
    for kind, bundle in bundles().items():
        assert len(bundle.content) < 250_000
        folders[kind] = tmp_path_factory.mktemp(kind)
        with zipfile.ZipFile(io.BytesIO(bundle.content)) as archive:
            archive.extractall(folders[kind])
    return folders


def run(task: Path, runtime: Path, module: str, event: Any, **more: str) -> Any:
    """What a function of the artifact gives, and the modules that were there before and after."""
    env = clean(PYTHONPATH=f"{task}:{runtime}", PYTHONWARNINGS="error", **more)
    done = subprocess.run(
        [sys.executable, "-S", "-s", "-c", RUN.replace("MODULE", module)],
        cwd=task,
        env=env,
        input=json.dumps(event),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said, before, after, path = json.loads(done.stdout.splitlines()[-1])
    assert not [each for each in path if "site-packages" in each]
    return said, set(before), set(after)


def test_the_hook_judges_resources_with_few_modules(task: dict[str, Path], runtime: Path) -> None:
    event = resource_event(NOTEBOOK, {"RootAccess": "Enabled"})
    answer, _, modules = run(task["hook"], runtime, "config_rules.hook", event)
    assert (answer["hookStatus"], answer["errorCode"]) == ("FAILED", "NonCompliant")
    assert "notebook-root-access" in answer["message"]
    assert {*SLOW, "yaml", "dataclasses", "inspect"}.isdisjoint(modules)


def test_the_hook_reads_yaml_without_a_compiled_reader(
    task: dict[str, Path], runtime: Path, tmp_path: Path
) -> None:
    with serving(tmp_path) as s3:
        event = stack_event(s3.hold(json.dumps({"template": TEMPLATE}).encode()))
        answer, before, modules = run(task["hook"], runtime, "config_rules.hook", event)
    assert (answer["hookStatus"], answer["errorCode"]) == ("FAILED", "NonCompliant"), answer["message"]
    assert "Mine: RootAccess is 'Enabled'" in answer["message"]
    assert {"yaml", "ssl"}.isdisjoint(before)
    assert "yaml" in modules
    assert "yaml._yaml" not in modules


def test_the_rules_tell_config(task: dict[str, Path], runtime: Path) -> None:
    with Config() as config:
        Thread(target=config.serve_forever, args=(0.01,), daemon=True).start()
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        address = f"http://127.0.0.1:{config.server_address[1]}"
        said, before, _ = run(
            task["rules"],
            runtime,
            "config_rules.handler",
            RULE,
            **keys,
            AWS_ENDPOINT_URL=address,
            AWS_REGION="us-east-1",
            AWS_EC2_METADATA_DISABLED="true",
        )
        config.shutdown()
    assert said == {"evaluations": 1, "unknown": 0}
    ((target, asked),) = config.told
    assert target.endswith(".PutEvaluations")
    (told,) = asked["Evaluations"]
    assert (told["ComplianceType"], told["ComplianceResourceId"]) == ("NON_COMPLIANT", "mine")
    assert {*SLOW, "yaml"}.isdisjoint(before)


def bare(source: bytes) -> tuple[str, list[int]]:
    """A program without annotations and documentation, and the lines of its statements."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.ImportFrom) and node.module == "__future__":
            node.module, node.names = "", []
    said = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.ImportFrom) and not node.names)
    ]
    kept = set(map(id, said))
    for node in (tree, *said):
        for field in ("body", "orelse"):
            inner = getattr(node, field, None)
            if isinstance(inner, list):
                setattr(node, field, [it for it in inner if id(it) in kept])
    return ast.dump(tree), [node.lineno for node in said]


ODD = b'''"""Docs,
over lines."""
from __future__ import annotations
class A:
    "one"
    a: dict[str,
            int] = {}  ; b: "x"
    """Field."""
    async def f(self, /, \xc3\xa9: int = 1, *more: str, k: list[
        int] | None=None, **rest: A) -> tuple[
            int, ...]: return lambda x, y=2: "->"
def g(a: "->" = "->") -> "->": """Only this."""; self.a: int = 3
def h() -> None:
    """Nothing."""
'''


@pytest.mark.no_cover  # all modules twice, where a few cover as much
def test_what_is_shipped_is_the_program_line_by_line() -> None:
    root = Path(scanner.__file__).parent.parent
    assert bare(slim(ODD)) == bare(ODD)
    same = set()
    for bundle in bundles().values():
        with zipfile.ZipFile(io.BytesIO(bundle.content)) as archive:
            for name in archive.namelist():
                shipped = archive.read(name)
                if name.endswith(".py") and not name.startswith("yaml/") and (name, shipped) not in same:
                    same.add((name, shipped))
                    source = (root / name).read_bytes()
                    assert bare(source) == bare(shipped), name
                    assert source.count(b"\n") == shipped.count(b"\n")

"""The house rules that linters cannot see, as pure functions: source text in, complaints out."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

FUNCTION_LINES: Final = 50
CLASS_METHODS: Final = 20
_SECONDS: Final = re.compile(r"(^|_)(seconds|timeout|deadline)$")
# Built from pieces, so that this file does not break the rules it checks.
_UNFINISHED: Final = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
_FOLDERS: Final = re.compile(
    r"(?<![\w.~)}-])/(" + "|".join(["wo" + "rk", "ho" + "me", "ro" + "ot", "Us" + "ers"]) + ")/"
)
_HOSTS: Final = [
    "py" + r"pi\.",
    "python" + "hosted",
    "npm" + "js",
    r"crates\." + "io",
    "arti" + "factory",
    r"proxy\.g" + "o",
]
_REGISTRIES: Final = re.compile("|".join([*_HOSTS, r"--(extra-)?index" + "-url"]), re.IGNORECASE)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Complaint:
    """One broken rule, where it stands."""

    line: int
    text: str


def float_uses(source: str) -> Iterator[Complaint]:
    """`float(...)` calls, and `float` annotations of anything that is not named as seconds."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="float")):
                yield Complaint(node.lineno, "calls float()")
            case ast.arg(arg=name, annotation=ast.expr() as annotation) if _names_float(annotation):
                yield from _unless_seconds(name, node.lineno)
            case ast.AnnAssign(target=target, annotation=annotation) if _names_float(annotation):
                yield from _unless_seconds(ast.unparse(target).rpartition(".")[2], node.lineno)
            case ast.FunctionDef(name=name, returns=ast.expr() as returns) if _names_float(returns):
                yield from _unless_seconds(name, node.lineno)
            case ast.AsyncFunctionDef(name=name, returns=ast.expr() as returns) if _names_float(returns):
                yield from _unless_seconds(name, node.lineno)
            case ast.Assign(value=value, lineno=line) if isinstance(value, ast.Name | ast.Subscript | ast.BinOp):
                if _names_float(value):
                    yield Complaint(line, "gives float another name")


def float_literals(source: str) -> Iterator[Complaint]:
    """Literals such as 0.5: in a pure module every number is exact."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield Complaint(node.lineno, f"float literal {node.value}")


def oversized(source: str) -> Iterator[Complaint]:
    """Functions that are too long and classes that do too much."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, FunctionNode):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield Complaint(node.lineno, f"{node.name} has {length} lines, at most {FUNCTION_LINES}")
        elif isinstance(node, ast.ClassDef):
            methods = sum(isinstance(child, FunctionNode) and not _is_dunder(child.name) for child in node.body)
            if methods > CLASS_METHODS:
                yield Complaint(node.lineno, f"{node.name} has {methods} methods, at most {CLASS_METHODS}")


def broad_excepts(source: str) -> Iterator[Complaint]:
    """Handlers, and `suppress`, that would swallow a defect."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and (node.type is None or _names_everything(node.type)):
            yield Complaint(node.lineno, f"catches {'everything' if node.type is None else ast.unparse(node.type)}")
        elif isinstance(node, ast.Call) and _last_name(node.func) == "suppress" and _names_everything(node):
            yield Complaint(node.lineno, f"suppresses {ast.unparse(node)}")


def calls_of(source: str, *names: str) -> Iterator[Complaint]:
    """Calls of a function or method with one of these names, however it is reached."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _last_name(node.func) in names:
            yield Complaint(node.lineno, f"calls {ast.unparse(node.func)}()")


def sleeps(source: str) -> Iterator[Complaint]:
    """Waiting for time to pass. `sleep(0)` only gives the loop its turn and is no wait."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _last_name(node.func) == "sleep":
            match node.args:
                case [ast.Constant(value=0)]:
                    continue
                case _:
                    yield Complaint(node.lineno, f"calls {ast.unparse(node)}")


def stdout_uses(source: str) -> Iterator[Complaint]:
    """`print`, and any way to `sys.stdout`."""
    yield from calls_of(source, "print")
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "__stdout__" as name):
                yield Complaint(node.lineno, f"uses sys.{name}")
            case ast.ImportFrom(module="sys", names=names) if {alias.name for alias in names} & {
                "stdout",
                "__stdout__",
            }:
                yield Complaint(node.lineno, "imports stdout")


def undocumented(source: str) -> Iterator[Complaint]:
    """A module that does not say what it is for."""
    if not ast.get_docstring(ast.parse(source)):
        yield Complaint(1, "has no docstring")


def forbidden_words(text: str) -> Iterator[Complaint]:
    """Unfinished business, folders of one machine, hosts of package registries."""
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in (
            ("unfinished", _UNFINISHED),
            ("a folder of one machine", _FOLDERS),
            ("a registry", _REGISTRIES),
        ):
            if found := pattern.search(line):
                yield Complaint(number, f"{what}: {found.group()!r}")


def _unless_seconds(name: str, line: int) -> Iterator[Complaint]:
    if not _SECONDS.search(name):
        yield Complaint(line, f"{name} is a float and not named as seconds")


def _names_float(annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):  # a quoted annotation
        return re.search(r"\bfloat\b", annotation.value) is not None
    return any(isinstance(node, ast.Name) and node.id == "float" for node in ast.walk(annotation))


def _names_everything(expression: ast.expr) -> bool:
    return any(_last_name(node) in {"Exception", "BaseException"} for node in ast.walk(expression))


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _last_name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case _:
            return ""

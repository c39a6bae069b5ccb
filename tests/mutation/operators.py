"""What may be changed in a piece of code: for a node of the syntax tree, each node that could stand instead.

Not touched: imports, `__all__`, annotations, decorators, docstrings and the words of a text. The numbers that
are put into a text are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

__all__ = ["replacements"]

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
_CALLED = {
    "min": "max",
    "max": "min",
    "minimum": "maximum",
    "maximum": "minimum",
    "argmin": "argmax",
    "argmax": "argmin",
    "all": "any",
    "any": "all",
    "zeros": "ones",
    "ones": "zeros",
}
_TRANSPARENT = ("abs", "sqrt", "sign", "ceil", "round")


def replacements(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Name of the operator and the new node, for every change that begins at `node`."""
    if isinstance(node, ast.stmt):
        yield from _statement(node)
    elif isinstance(node, ast.Compare):
        for k, operator in enumerate(node.ops):
            for other in _COMPARE[type(operator)]:
                operators = [*node.ops[:k], other(), *node.ops[k + 1 :]]
                yield "compare", ast.Compare(node.left, operators, node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield "and/or", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield ("not" if isinstance(node.op, ast.Not) else "minus"), node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield "arithmetic", ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.Constant):
        yield from _constant(node.value)
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.IfExp):
        yield from _condition(node.test)
    elif isinstance(node, ast.comprehension):
        for test in node.ifs:
            yield from _condition(test)


def _condition(test: ast.expr) -> Iterator[tuple[str, ast.AST]]:
    """The condition itself is replaced; the caller finds it by the mark."""
    for value in (True, False):
        yield "condition", _at(test, ast.Constant(value))


def _at(place: ast.AST, new: ast.AST) -> ast.AST:
    """Marks `new` as standing for `place`, a child of the node that was asked."""
    new.instead_of = place  # type: ignore[attr-defined]
    return new


def _statement(node: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.If):
        yield from _condition(node.test)
    elif isinstance(node, ast.While):
        yield "condition", _at(node.test, ast.Constant(False))
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "return", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
        yield "dropped", ast.Pass()
    elif isinstance(node, ast.AugAssign):
        yield "dropped", ast.Pass()
        if type(node.op) in _ARITHMETIC:
            yield "arithmetic", ast.AugAssign(node.target, _ARITHMETIC[type(node.op)](), node.value)
    elif isinstance(node, ast.Assign) and all(isinstance(t, ast.Subscript) for t in node.targets):
        yield "dropped", ast.Pass()
    elif isinstance(node, ast.Continue):
        yield "loop", ast.Break()
        yield "dropped", ast.Pass()
    elif isinstance(node, ast.Break):
        yield "loop", ast.Continue()


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _constant(value: object) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(value, bool):
        yield "constant", ast.Constant(not value)
    elif isinstance(value, int):
        yield "constant", ast.Constant(value + 1)
    elif isinstance(value, float):
        yield "constant", ast.Constant(2.0 * value if value else 1.0)


def _call(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _CALLED:
        other: ast.expr = ast.Name(_CALLED[name], ast.Load())
        if isinstance(function, ast.Attribute):
            other = ast.Attribute(function.value, _CALLED[name], ast.Load())
        yield "function", ast.Call(other, node.args, node.keywords)
    if name in _TRANSPARENT and len(node.args) == 1 and not node.keywords:
        yield "function", node.args[0]

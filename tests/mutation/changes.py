"""What is changed: every small change of a file that its tests should notice."""

import ast
import copy
import hashlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
FUNCTION = ast.FunctionDef
SCOPE = (ast.FunctionDef, ast.ClassDef)
# Types say nothing when the code runs; decorators have run before a test does.
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "format_spec", "ctx", "op", "ops"}


@dataclass(frozen=True, eq=False)
class Mutant:
    """One node of a file, and what takes its place."""

    path: str
    tree: ast.Module
    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    statement: ast.stmt
    owners: tuple
    """Classes and functions around it, the outermost first."""
    new: ast.AST
    number: int
    """Which of the changes of its innermost function or class."""

    @contextmanager
    def made(self):
        """The tree of the file, changed for as long as the block runs."""
        self._put(self.new)
        try:
            yield self.tree
        finally:
            self._put(self.node)

    def _put(self, node):
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node

    @property
    def lines(self):
        """First and last line of what is changed."""
        node = self.node if hasattr(self.node, "lineno") else self.statement
        return node.lineno, node.end_lineno

    @property
    def before(self):
        return _head(self.statement)

    @property
    def after(self):
        if self.statement is self.node:
            return _head(self.new)
        with self.made():
            return _head(self.statement)

    @property
    def key(self):
        """The same as long as the function around it is."""
        told = f"{self.path} {[owner.name for owner in self.owners]} {self.number}"
        return hashlib.sha1(f"{told} {self.before} {self.after}".encode()).hexdigest()[:10]

    @property
    def in_function(self):
        return any(isinstance(owner, FUNCTION) for owner in self.owners)


def mutants(path, root):
    """Every change of a file, in the order of its lines."""
    tree, n_before = ast.parse((Path(root) / path).read_text()), Counter()
    for place in _places(tree, None, ()):
        for new in _instead_of(place[3]):
            owners = place[-1]
            yield Mutant(str(path), tree, *place, ast.fix_missing_locations(new), n_before[owners])
            n_before[owners] += 1


def _places(node, statement, owners):
    """Parent, field, index, node, statement and owners of what runs in a test."""
    for field, value in ast.iter_fields(node):
        if field in SKIPPED_FIELDS:
            continue
        for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _is_silent(child):
                continue
            inner = child if isinstance(child, ast.stmt) else statement
            yield node, field, i, child, inner, owners
            around = (*owners, child) if isinstance(child, SCOPE) else owners
            yield from _places(child, inner, around)


def _is_silent(node):
    """Docstrings, imports, lists of names, and zips that are as long as they are."""
    if isinstance(node, ast.keyword):
        return node.arg == "strict"
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    if isinstance(node, ast.Assign):
        return "__all__" in ast.unparse(node.targets[0])
    return isinstance(node, (ast.Import, ast.ImportFrom))


def _instead_of(node):
    """What a node can become."""
    match node:
        case ast.Compare():
            for i, op in enumerate(node.ops):
                for other in COMPARISONS[type(op)]:
                    yield _like(node, ops=[*node.ops[:i], other(), *node.ops[i + 1 :]])
        case ast.BinOp() if type(node.op) in OPERATORS:
            yield _like(node, op=OPERATORS[type(node.op)]())
        case ast.UnaryOp() if not isinstance(node.operand, ast.Constant):
            yield node.operand
        case ast.BoolOp():
            yield _like(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.Constant():
            for value in _other_values(node.value):
                yield _like(node, value=value)
        case ast.If() | ast.IfExp() | ast.While():
            for test in _negated(node.test):
                yield _like(node, test=test)
        case ast.comprehension():
            for i, test in enumerate(node.ifs):
                for other in _negated(test):
                    yield _like(node, ifs=[*node.ifs[:i], other, *node.ifs[i + 1 :]])
        case ast.Return(value=value) if value and getattr(value, "value", True) is not None:
            yield _like(node, value=ast.copy_location(ast.Constant(None), node))
        case ast.AugAssign():
            if type(node.op) in OPERATORS:
                yield _like(node, op=OPERATORS[type(node.op)]())
            yield _nothing(node)
        case ast.Raise() | ast.Expr(value=ast.Call()):
            yield _nothing(node)
        case ast.Assign() if all(
            isinstance(t, (ast.Attribute, ast.Subscript)) for t in node.targets
        ):
            yield _nothing(node)
        case ast.Break():
            yield ast.copy_location(ast.Continue(), node)
        case ast.Continue():
            yield ast.copy_location(ast.Break(), node)


def _other_values(value):
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1, value - 1]
    return ["" if value else "XX"] if isinstance(value, str) else []


def _like(node, **fields):
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _negated(test):
    """The opposite of a condition, unless a change of its operator is that already."""
    match test:
        case ast.UnaryOp(op=ast.Not()) | ast.Compare(ops=[_]):
            return []
    return [ast.copy_location(ast.UnaryOp(ast.Not(), test), test)]


def _nothing(node):
    return ast.copy_location(ast.Pass(), node)


def _head(node):
    return ast.unparse(node).split("\n    ")[0]

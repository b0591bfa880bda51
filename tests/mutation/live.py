"""How a change gets into modules that are imported: by the code of their live functions."""

import ast
import contextlib
import gc
import sys
from collections import defaultdict
from types import CodeType, FunctionType, ModuleType


def functions_by_file(root):
    """Every function that exists by now, wrapped and inner ones too."""
    found = defaultdict(list)
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename.startswith(str(root)):
            found[each.__code__.co_filename].append(each)
    return found


def put(mutant, root, functions):
    """Change what is live; the number of places, 0 where the change is out of reach."""
    path = str(root / mutant.path)
    live = functions.get(path, [])
    module = next(m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == path)
    before = _codes(compile(mutant.tree, path, "exec"))
    with mutant.made() as tree:
        changed = _codes(compile(_with_free_variables(tree, mutant, before, path), path, "exec"))
        n_places = _put_code(live, before, changed)
        if mutant.in_function:
            return n_places + _put_defaults(live, mutant.owners[-1], vars(module), path)
        return n_places + _put_attribute(module, mutant, path)


def _codes(code):
    """Code objects inside one, by name and first line."""
    found = {}
    for const in code.co_consts:
        if isinstance(const, CodeType):
            found |= _codes(const) | {(const.co_qualname, const.co_firstlineno): const}
    return found


def _with_free_variables(tree, mutant, before, path):
    """A function that no longer says ``super()`` keeps the cell of its class: code must fit."""
    changed = _codes(compile(tree, path, "exec"))
    if any(
        key in before and c.co_freevars != before[key].co_freevars for key, c in changed.items()
    ):
        owner = next(o for o in reversed(mutant.owners) if isinstance(o, ast.FunctionDef))
        unused = ast.parse("if 0:\n    __class__").body[0]
        for node in ast.walk(unused):
            ast.copy_location(node, owner.body[-1])
        owner.body.append(unused)
    return tree


def _put_code(live, before, changed):
    new = {key: code for key, code in changed.items() if not _same(code, before.get(key))}
    n_places = 0
    for function in live:
        code = new.get((function.__code__.co_qualname, function.__code__.co_firstlineno))
        if code is not None and code.co_freevars == function.__code__.co_freevars:
            function.__code__ = code
            n_places += 1
    return n_places


def _same(a, b):
    if not isinstance(a, CodeType) or not isinstance(b, CodeType):
        return type(a) is type(b) and repr(a) == repr(b)
    return (
        a.co_code == b.co_code
        and a.co_names == b.co_names
        and len(a.co_consts) == len(b.co_consts)
        and all(_same(x, y) for x, y in zip(a.co_consts, b.co_consts, strict=True))
    )


def _put_defaults(live, owner, names, path):
    """Defaults are values by now, no code."""
    first = min(node.lineno for node in (owner, *owner.decorator_list))
    n_places = 0
    for function in live:
        if function.__code__.co_firstlineno != first or function.__name__ != owner.name:
            continue
        with contextlib.suppress(NameError):
            given = tuple(_value(default, names, path) for default in owner.args.defaults)
            if repr(given) != repr(function.__defaults__ or ()):
                function.__defaults__ = given
                n_places += 1
            for argument, default in zip(
                owner.args.kwonlyargs, owner.args.kw_defaults, strict=True
            ):
                value = None if default is None else _value(default, names, path)
                if default and repr(value) != repr(function.__kwdefaults__[argument.arg]):
                    function.__kwdefaults__[argument.arg] = value
                    n_places += 1
    return n_places


def _put_attribute(module, mutant, path):
    """A constant of a class or a module, wherever it has been imported."""
    statement = mutant.statement
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
        return 0
    holder, names = module, dict(vars(module))
    for owner in mutant.owners:
        holder = getattr(holder, owner.name)
        names |= dict(vars(holder))
    value = _value(statement.value, names, path)
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    names_of = [target.id for target in targets if isinstance(target, ast.Name)]
    for name in names_of:
        old = vars(holder).get(name)
        setattr(holder, name, value)
        for other in list(sys.modules.values()) if holder is module else ():
            if isinstance(other, ModuleType) and vars(other).get(name, other) is old:
                setattr(other, name, value)
    return len(names_of)


def _value(expression, names, path):
    return eval(compile(ast.Expression(expression), path, "eval"), dict(names))

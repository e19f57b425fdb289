"""Patterns over test names: `*` any characters, `?` one. Brackets are ordinary characters, as in the kernel."""

import functools
import re


def _regex(pattern):
    parts = {"*": ".*", "?": "."}
    return "".join(parts.get(c, re.escape(c)) for c in pattern)


@functools.lru_cache(maxsize=None)
def _compiled(pattern):
    return re.compile(_regex(pattern), re.DOTALL)


def compile_any(patterns):
    """match_any() for patterns that many texts are held against."""
    if not patterns:
        return lambda text: None
    return re.compile("|".join(_regex(p) for p in patterns), re.DOTALL).fullmatch


def match(pattern, text):
    """Whether the whole text matches."""
    return _compiled(pattern).fullmatch(text) is not None


def match_any(patterns, text):
    return any(match(p, text) for p in patterns)


def overlap(a, b):
    """Whether some text matches both patterns.

    Walks both at once; a state is a pair of positions, and a `*` may stand for nothing or swallow what the other
    side has next.
    """
    seen, todo = set(), [(0, 0)]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        i, j = state
        if i == len(a) and j == len(b):
            return True
        left, right = a[i:i + 1], b[j:j + 1]
        if left == "*":
            todo.append((i + 1, j))
        if right == "*":
            todo.append((i, j + 1))
        if left and right and ("*" in (left, right) or "?" in (left, right) or left == right):
            todo.append((i + (left != "*"), j + (right != "*")))
    return False


def narrow(wanted, offered):
    """The patterns that select what matches both lists, as nearly as patterns can say it.

    Where one pattern lies within the other the narrower one is taken; where two merely overlap (`a*` and `*b`) the
    wanted one is taken whole, so that nothing that was asked for is lost.
    """
    result = []
    for w in wanted:
        for o in offered:
            if not overlap(w, o):
                continue
            pattern = o if match(w, o) and not match(o, w) else w
            if pattern not in result:
                result.append(pattern)
    return result

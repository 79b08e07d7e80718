"""Nested containers taken apart into leaves, and put together again (`torch.utils._pytree`).

A container is a tuple, a named tuple, a list, a dict of any kind or a deque, or what `register_pytree_node` was told
of; everything else is a leaf.
"""
from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from tapegrad.shapes import Size

__all__ = ["LeafSpec", "TreeSpec", "register_pytree_node", "tree_all", "tree_any", "tree_flatten", "tree_iter",
           "tree_leaves", "tree_map", "tree_map_", "tree_map_only", "tree_structure", "tree_unflatten"]


class _Node(NamedTuple):
    """How containers of one type are taken apart (into children, and what else there is to know) and put together."""

    flatten: Callable[[Any], tuple[Iterable[Any], Any]]
    unflatten: Callable[[Iterable[Any], Any], Any]


def _mapping(of: Callable[[Any], Any], made: Callable[[Any, Iterable[tuple[Any, Any]]], Any]) -> _Node:
    """Dicts of a kind: `of` is what an empty one is made of."""
    return _Node(lambda d: (list(d.values()), (of(d), list(d))),
                 lambda children, context: made(context[0], zip(context[1], children)))


def _named(children: Iterable[Any], kind: Any) -> Any:
    return kind(*children)


_NAMED = _Node(lambda t: (list(t), type(t)), _named)
_NODES: dict[type, _Node] = {
    tuple: _Node(lambda t: (list(t), None), lambda children, _: tuple(children)),
    list: _Node(lambda t: (t, None), lambda children, _: list(children)),
    dict: _Node(lambda d: (list(d.values()), list(d)), lambda children, keys: dict(zip(keys, children))),
    collections.OrderedDict: _Node(lambda d: (list(d.values()), list(d)),
                                   lambda children, keys: collections.OrderedDict(zip(keys, children))),
    collections.defaultdict: _mapping(lambda d: d.default_factory, collections.defaultdict),
    Size: _Node(lambda t: (list(t), None), lambda children, _: tuple(children)),
    collections.deque: _Node(lambda d: (list(d), d.maxlen), lambda children, most: collections.deque(children, most)),
}


def register_pytree_node(cls: type, flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]],
                         unflatten_fn: Callable[[Iterable[Any], Any], Any], **more: Any) -> None:
    """Have the instances of a class be containers; what else PyTorch takes is for its exporter, and ignored."""
    if cls in _NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    _NODES[cls] = _Node(flatten_fn, unflatten_fn)


def _node(x: Any) -> _Node | None:
    found = _NODES.get(type(x))
    if found is None and isinstance(x, tuple) and hasattr(type(x), "_fields"):
        return _NAMED
    return found


class TreeSpec:
    """How a value is built: the type of the container, what else there is to know of it, and its children's specs."""

    __slots__ = ("children_specs", "context", "num_leaves", "type")
    type: Any
    context: Any
    children_specs: list[TreeSpec]

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_leaves: int = sum(c.num_leaves for c in children_specs)

    def is_leaf(self) -> bool:
        return False

    def _key(self) -> Any:
        return self.type, self.context, self.children_specs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TreeSpec) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.type, tuple(self.children_specs)))

    def __repr__(self) -> str:
        inside = ",\n  ".join(repr(c).replace("\n", "\n  ") for c in self.children_specs)
        return f"TreeSpec({self.type.__name__}, {self.context}, [{inside}])"


class LeafSpec(TreeSpec):
    """Of what is no container."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(None, None, [])
        self.num_leaves = 1

    def is_leaf(self) -> bool:
        return True

    def __repr__(self) -> str:
        return "*"


_LEAF = LeafSpec()
IsLeaf = Callable[[Any], bool] | None


def _flatten(x: Any, leaves: list[Any], is_leaf: IsLeaf) -> TreeSpec:
    node = None if is_leaf is not None and is_leaf(x) else _node(x)
    if node is None:
        leaves.append(x)
        return _LEAF
    children, context = node.flatten(x)
    return TreeSpec(type(x), context, [_flatten(c, leaves, is_leaf) for c in children])


def tree_flatten(tree: Any, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a value in order, and how it is built.

    >>> leaves, spec = tree_flatten({"a": 1, "b": (2, [3])})
    >>> leaves, tree_unflatten([x * 10 for x in leaves], spec)
    ([1, 2, 3], {'a': 10, 'b': (20, [30])})
    """
    leaves: list[Any] = []
    spec = _flatten(tree, leaves, is_leaf)
    return leaves, spec


def _built(spec: TreeSpec, leaves: Iterator[Any]) -> Any:
    if spec.is_leaf():
        return next(leaves)
    node = _NODES.get(spec.type, _NAMED)
    return node.unflatten([_built(c, leaves) for c in spec.children_specs], spec.context)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """A value built as `treespec` says, with these leaves; ValueError unless there are as many as it has."""
    leaves = list(leaves)
    if treespec is _LEAF and len(leaves) == 1:
        return leaves[0]
    if len(leaves) != treespec.num_leaves:
        raise ValueError(f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec refers to a "
                         f"pytree that holds {treespec.num_leaves} items ({treespec}).")
    return _built(treespec, iter(leaves))


def tree_iter(tree: Any, is_leaf: IsLeaf = None) -> Iterator[Any]:
    """The leaves, one after the other."""
    return iter(tree_flatten(tree, is_leaf)[0])


def tree_leaves(tree: Any, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves of a value in order."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: IsLeaf = None) -> TreeSpec:
    """How a value is built."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """A value built like another of what a function makes of its leaves (and of those of more values built alike).

    >>> tree_map(lambda x, y: x + y, {"a": 1, "b": [2]}, {"a": 10, "b": [20]})
    {'a': 11, 'b': [22]}
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    return tree_unflatten(map(func, leaves, *(flattened_like(spec, rest) for rest in rests)), spec)


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf = None) -> Any:
    """Call a function on every leaf; returns the value it was given."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: Any, is_leaf: IsLeaf = None) -> Any:
    """`tree_map` where a leaf is an instance of a class; other leaves stay.

    >>> tree_map_only(int, lambda x: x + 1, (1, "a"))
    (2, 'a')
    """
    return tree_map(lambda x: func(x) if isinstance(x, kind) else x, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether something holds for all leaves."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: IsLeaf = None) -> bool:
    """Whether something holds for a leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def flattened_like(spec: TreeSpec, value: Any, broadcast: bool = False) -> list[Any]:
    """The parts of a value where the leaves of a spec are; ValueError where it is built otherwise.

    With `broadcast`, a leaf of the value stands for all that the spec has there.
    """
    if spec.is_leaf():
        return [value]
    node = _node(value)
    if broadcast and node is None:
        return [value] * spec.num_leaves
    if node is None or type(value) is not spec.type:
        raise ValueError(f"Node type mismatch; expected {spec.type!r}, but got {type(value)!r}.")
    children, context = node.flatten(value)
    children = list(children)
    if isinstance(value, dict) and value.keys() == dict.fromkeys(_keys(spec)).keys():
        children = [value[k] for k in _keys(spec)]  # in whatever order
    elif context != spec.context or len(children) != len(spec.children_specs):
        raise ValueError(f"Node arity or context mismatch; expected {spec}, but got {tree_structure(value)}.")
    return [part for s, child in zip(spec.children_specs, children) for part in flattened_like(s, child, broadcast)]


def _keys(spec: TreeSpec) -> list[Any]:
    found = spec.context[1] if spec.type is collections.defaultdict else spec.context
    assert isinstance(found, list)
    return found

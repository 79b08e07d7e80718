"""`compile(vmap(f))` of a function that looks at values: what a call does."""
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes, errors
from tapegrad.autograd import anomaly, modes, saved_tensors
from tapegrad.compiler.guards.reachable import Reach, Unreadable
from tapegrad.func.derivatives import derived
from tapegrad.functions import PUBLIC
from tapegrad.lanes import rules
from tapegrad.lanes.batched import Batched, Level, entered, level
from tapegrad.lanes.branching import paths
from tapegrad.lanes.branching.flow import Flow, Recorder, Segment, Unseen
from tapegrad.lanes.branching.history import with_history
from tapegrad.lanes.branching.kernels import Programs, arrays_of, tensor_on, through
from tapegrad.lanes.branching.numbers import number_layouts
from tapegrad.lanes.branching.walks import Tensors, walked
from tapegrad.lanes.samples import Samples, left_by
from tapegrad.machine.learning import capturing
from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import tree_flatten, tree_unflatten

# What shows more of a tensor than a graph keeps to: where its elements lie, and its history.
_SHOWN = {"backward", "data", "data_ptr", "grad", "grad_fn", "is_contiguous", "is_leaf", "register_hook",
          "requires_grad", "requires_grad_", "retain_grad", "storage_offset", "stride", "_version"}
_VALUES = (bool, int, float, str, type(None))
MOST_FLOWS = 16
AT_A_TIME = 2048  # lanes whose way there and back is gone through together: what is kept stays in a cache


class Grouped:
    """The calls of a `vmap` whose lanes go different ways; what it is made of is what `vmap` was given.

    `runs` counts how often the function's Python was called.
    """

    func: Callable[..., Any]
    name: str
    in_dims: Any
    out_dims: Any
    derived: tuple[Callable[..., Any], Any, bool] | None
    read: Callable[..., Any]
    runs: int

    def __init__(self, func: Callable[..., Any], name: str, in_dims: Any, out_dims: Any, randomness: str,
                 chunk_size: int | None) -> None:
        self.func, self.name, self.in_dims, self.out_dims = func, name, in_dims, out_dims
        self.chunk_size = chunk_size
        self.derived = derived(func)  # of what this is the gradient, by which arguments, and whether with the value
        self.read = func if self.derived is None else self.derived[0]  # what a graph is of
        self.runs = 0
        self._unfit = ""  # why it is read as a graph for no arguments
        self.flows: dict[Any, Flow] = {}
        self._reach: Reach | None = None

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        samples = Samples(self.name, self.in_dims, args)
        func = functools.partial(self.func, **kwargs) if kwargs else self.func
        try:
            found = [self._chunk(func, kwargs, samples, leaves) for leaves in samples.parts(self.chunk_size)]
        except errors.PerLane as why:
            raise RuntimeError(str(why)) from None
        parts, dims, spec = found[0]
        if len(found) > 1:
            parts = [paths.one_for_all(column) if d is None else PUBLIC["cat"](list(column), d)
                     for column, d in zip(zip(*(leaves for leaves, _, _ in found)), dims)]
        return tree_unflatten(parts, spec)

    def _chunk(self, func: Callable[..., Any], kwargs: dict[str, Any], samples: Samples, leaves: Sequence[Any]) -> Any:
        """What the function returns for a chunk of the batch, as `Samples.of` gives it."""
        count = next(x.shape[d] for x, d in zip(leaves, samples.dims) if d is not None)
        if not self._unfit and count and not kwargs and dispatch.tangents is None and not anomaly.enabled and (
                saved_tensors.current() is None):
            with modes.set_grad_enabled(self.derived is not None or modes.is_grad_enabled()):
                found = self._walked(samples, leaves, count)
            if found is not None:
                return found
        runs, found = paths.by_paths(func, self._reached(), samples, leaves, self.name, self.out_dims)
        self.runs += runs
        return found

    @property
    def why(self) -> str | None:
        """Why the function is called for each path, if it is."""
        return self._unfit or next((flow.unseen for flow in self.flows.values() if flow.unseen), None)

    def explained(self) -> str:
        """For `explain()`."""
        runs = f"its Python was called {self.runs} times"
        if self.why is not None:
            return f"lanes go their own ways, with a call for each way, for {self.why}: {runs}"
        native = any(isinstance(flow.native, Programs) for flow in self.flows.values())
        looks = sum(len(flow.nodes) for flow in self.flows.values())
        how = "natively" if native else "as smaller batches"
        return f"lanes go their own ways through {looks} looks, {how}: {runs}"

    def _reached(self) -> Reach:
        """What the function may read, as it is now."""
        if self._reach is None or not self._reach.unchanged():
            try:
                self._reach = Reach(self.func, ())
            except Unreadable as why:
                raise RuntimeError(f"{errors.LANES_BRANCH} Lanes are not grouped, for {why}") from None
        return self._reach

    # ------------------------------------------------------------ as a graph

    def _walked(self, samples: Samples, leaves: Sequence[Any], count: int) -> Any:
        """The same by a graph of the function; None where it is not read as one."""
        if not _is_plain(samples.spec):
            return None
        inputs: list[Any] = []
        told: list[Any] = [samples.spec, modes.is_grad_enabled(), dtypes.default_dtype()]
        for x, d in zip(leaves, samples.dims):
            if isinstance(x, Tensor):
                if type(x) is not Tensor or x.is_sparse:
                    return None
                whole = x.movedim(d, 0) if d else x
                inputs.append((whole.expand(count, *x.shape) if d is None else whole).contiguous())
                told.append((x.dtype, tuple(inputs[-1].shape[1:])))
            elif type(x) in _VALUES:
                told.append((type(x), repr(x)))
            else:
                return None
        key = tuple(told)
        flow = self.flows.get(key)
        if flow is None or not flow.holds():
            try:
                flow = Flow(Reach(self.read, ()))
            except (Unreadable, Unseen) as why:
                self._unfit = str(why)
                return None
            if flow.reach.any_attribute or (flow.reach.reads & _SHOWN):
                self._unfit = f"it reads {min(flow.reach.reads & _SHOWN, default='any attribute')}"
                return None
            if len(self.flows) >= MOST_FLOWS:
                self.flows.pop(next(iter(self.flows)))
            self.flows[key] = flow

        if flow.unseen:
            return None

        def explore(lane: int) -> bool:
            return self._explore(flow, samples, leaves, inputs, lane)

        if self.derived is not None:
            return self._gradients(flow, samples, inputs, count, explore)
        found = self._numbers(flow, inputs, count, explore)
        if found is None and not flow.unseen:
            found = walked(flow, Tensors(), inputs, count, explore)
        if found is None:
            return None
        segment = next(s for s in _segments(flow) if s.target is None)
        spec, dims = segment.returned
        return [x if not d else x.movedim(0, d) for x, d in zip(found, dims)], dims, spec

    def _programs(self, flow: Flow, inputs: Sequence[Any]) -> Programs | None:
        """The native code of a graph of numbers."""
        if flow.native is None:
            try:
                flow.native = Programs(flow, number_layouts(inputs))
            except Unseen as why:
                flow.native = str(why)
        return None if isinstance(flow.native, str) else flow.native

    def _gradients(self, flow: Flow, samples: Samples, inputs: Sequence[Any], count: int,
                   explore: Callable[[int], bool]) -> Any:
        """The gradients of a function of numbers, and its value if it is asked for."""
        assert self.derived is not None
        _, by, values = self.derived
        programs, asked = self._programs(flow, inputs), (by,) if isinstance(by, int) else by
        if programs is None or samples.spec.num_leaves != len(samples.spec.children_specs) or self.out_dims != 0:
            return None
        places = [k % len(inputs) for k in asked if type(k) is int and -len(inputs) <= k < len(inputs)]
        if len(inputs) != samples.spec.num_leaves or len({*places}) != len(asked) or any(
                x.requires_grad for x in inputs) or not all(inputs[k].dtype.is_floating_point for k in places):
            return None
        values_of: list[Any] = []
        flows: list[list[Any]] = []
        try:
            for begin in range(0, count, AT_A_TIME):
                arrays = [arrays_of(x)[begin:begin + AT_A_TIME] for x in inputs]
                found, engine = through(programs, arrays, len(arrays[0]), functools.partial(_from, explore, begin),
                                        True)
                kinds = programs.returned() if found else []
                if found is None or len(kinds) != 1 or not kinds[0].is_floating_point:
                    return None
                one = np.empty(len(found[0]), kinds[0].numpy)
                one[...] = 1
                values_of.append(found[0])
                flows.append(engine.back([one], len(one)))
                engine.release()
        except Unseen as why:
            flow.native = str(why)
            return None
        gradients = [tensor_on(np.concatenate([np.zeros(len(v), inputs[k].dtype.numpy) if of[k] is None else of[k]
                                               for of, v in zip(flows, values_of)]), inputs[k].dtype) for k in places]
        result: Any = gradients[0] if type(by) is int else tuple(gradients)
        leaves, spec = tree_flatten((result, tensor_on(np.concatenate(values_of), kinds[0])) if values else result)
        return leaves, [0] * len(leaves), spec

    def _numbers(self, flow: Flow, inputs: Sequence[Any], count: int, explore: Callable[[int], bool]) -> Any:
        """What lanes of numbers get, in native code; None where not all is numbers."""
        programs = self._programs(flow, inputs)
        if programs is None:
            return None
        wanted = modes.is_grad_enabled() and any(x.requires_grad for x in inputs)
        try:
            found, engine = through(programs, [arrays_of(x) for x in inputs], count, explore, wanted)
        except Unseen as why:
            flow.native = str(why)
            return None
        if found is None:
            return None
        made = [tensor_on(x, d) for x, d in zip(found, programs.returned())]
        if not wanted:
            return made
        ways = [x for x, d in zip(made, programs.returned()) if d.is_floating_point]
        left = iter(with_history(engine, inputs, ways))
        return [next(left) if d.is_floating_point else x for x, d in zip(made, programs.returned())]

    def _explore(self, flow: Flow, samples: Samples, leaves: Sequence[Any], inputs: Sequence[Any], lane: int) -> bool:
        """Run the function for one lane, and note what it does; whether that was seen."""
        claim = capturing.Claim()
        try:
            if not claim.taken():
                return False
            self.runs += 1
            with modes.set_grad_enabled(modes.is_grad_enabled()), level(1) as of:
                given = iter([entered(x.detach()[lane:lane + 1].clone(), 0, of) for x in inputs])
                own = [next(given) if isinstance(x, Tensor) else x for x in leaves]
                recorder = Recorder(flow, [x for x in own if isinstance(x, Tensor)], _run.__code__)
                rules.recorder = of.looks = recorder
                try:
                    returned = _run(self.read, tree_unflatten(own, samples.spec))
                finally:
                    rules.recorder = None
                self._returned(recorder, returned, of)
        except Exception:  # by paths it is raised as it would be
            return False
        finally:
            claim.give_up()
        if not recorder.unseen and not flow.holds():
            recorder.fail("it changes what it reads")
        flow.unseen = recorder.unseen
        return not recorder.unseen

    def _returned(self, recorder: Recorder, returned: Any, of: Level) -> None:
        parts, spec = tree_flatten(returned)
        if self.derived is not None:
            if not spec.is_leaf() or type(returned) is not Batched or returned.ndim:
                recorder.fail("it does not return a number")
            return recorder.returns(parts, (spec, [0]))
        _, dims, _ = left_by(self.name, self.out_dims, returned, of)
        if any(d is None for d in dims):
            recorder.fail("a result has no lanes")
        recorder.returns(parts, (spec, dims))


def _is_plain(spec: Any) -> bool:
    """Whether arguments are built of containers that have no code of their own."""
    return bool(spec.is_leaf()) or (spec.type in (tuple, list, dict) and all(map(_is_plain, spec.children_specs)))


def _from(explore: Callable[[int], bool], start: int, lane: int) -> bool:
    return explore(start + lane)


def _run(func: Callable[..., Any], args: Any) -> Any:
    """The call above which frames are the program's."""
    return func(*args)


def _segments(flow: Flow) -> list[Segment]:
    found = [s for node in flow.nodes.values() for s in node.edges.values()]
    return [flow.start, *found] if flow.start else found


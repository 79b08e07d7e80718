"""`Tensor`: PyTorch's face on a row of the tape.

The class adds to the native `TensorBase` (operators and one-operand methods, `machine.startup`) what needs Python:
arguments, properties, conversions. Methods that are operations live in `functions` and are attached there.
"""
from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tapegrad import devices, dispatch, dtypes, errors, formats, shapes
from tapegrad.autograd import data_assignment, graph, made_nodes, modes
from tapegrad.devices import CPU, device
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing, following, lessons
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.ops.declaration import REGISTRY
from tapegrad.protocols import Protocols, alias
from tapegrad.rule_values import RuleValue
from tapegrad.signatures import Sizes, checked, overriding
from tapegrad.tape import history, hooks

_flags = buffers["flags"]

if TYPE_CHECKING:
    from tapegrad.tensor_methods import TensorBase
else:
    TensorBase = machine.TensorBase

_ops = REGISTRY


class Tensor(Protocols, RuleValue, TensorBase):
    """A value on the tape (`torch.Tensor`).

    >>> import tapegrad
    >>> x = tapegrad.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ()
    _spreads = True  # results of operations on a subclass are of that class; `Parameter` opts out
    _stands_in = False  # for a batch of tensors, and has no elements of its own (`lanes.batched`)
    _does: Callable[..., Any] | None = None  # what a subclass without elements does for an operation (`sparse`)
    layout: formats.layout = formats.strided
    is_cpu: bool = True
    is_cuda = is_meta = is_mps = is_xpu = is_ipu = is_xla = is_maia = is_mtia = is_vulkan = is_mkldnn = False
    is_sparse = is_sparse_csr = is_quantized = is_nested = False
    name = volatile = None
    _grad = TensorBase.grad
    _backward_hooks = None  # a tensor with hooks has a dict of its own

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        from tapegrad import creation

        if kwargs and cls.__init__ is Tensor.__init__:  # which nobody else will take
            raise TypeError(f"new() got an unexpected keyword argument '{next(iter(kwargs))}'")
        if not args:
            made = creation.empty(0)
        elif len(args) == 1 and isinstance(args[0], Tensor):
            made = dispatch.apply_view(_ops["alias"], args[0], ())
        else:
            made = creation.legacy(dtypes.default_dtype(), args)
        return made if cls is Tensor else alias(made, cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        answers = vars(cls).get("__torch_function__")
        if answers is overriding.disabled:
            cls._spreads = False
        elif answers is not None:
            overriding.ask_for_methods(cls, Tensor)

    @overriding.default
    def __torch_function__(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What `func` gives of these arguments, as a tensor of this class (`torch.Tensor.__torch_function__`).

        >>> import tapegrad
        >>> class Told(tapegrad.Tensor):
        ...     @classmethod
        ...     def __torch_function__(cls, func, types, args=(), kwargs=None):
        ...         print(func.__name__)
        ...         return super().__torch_function__(func, types, args, kwargs)
        >>> _ = tapegrad.ones(2).as_subclass(Told) * 3
        mul

        NotImplemented where another of the `types` that are concerned is no base of this one.
        """
        if not all(issubclass(cls, kind) for kind in types):
            return NotImplemented
        with overriding.quiet(dresses=cls is not Tensor):
            found = func(*args, **(kwargs or {}))
        return found if func in overriding.undressed() else overriding.dressed(found, cls)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name != "volatile"]  # of long ago

    @staticmethod
    def _make_subclass(cls: type, data: Any, require_grad: bool = False) -> Any:
        """A leaf of a subclass, on the memory of `data`: what classes of parameters are made with."""
        if not isinstance(cls, type):
            raise TypeError(f"cls must be a type (got {type(cls).__name__})")
        if not isinstance(data, Tensor):
            raise TypeError(f"_make_subclass(): argument 'data' (position 2) must be Tensor, not {type(data).__name__}")
        return _refined(alias(data, Tensor).requires_grad_(require_grad), cls)

    def as_subclass(self, cls: type) -> Any:
        """This tensor as an instance of a subclass, with its memory and its history (`torch.Tensor.as_subclass`).

        >>> import tapegrad
        >>> class Metres(tapegrad.Tensor): pass
        >>> tapegrad.ones(2).as_subclass(Metres) * 3
        Metres([3., 3.])

        Results of operations on it are instances too. Raises TypeError for a class that is no subclass.
        """
        return _refined(dispatch.apply_view(_ops["alias"], self, ()), cls)

    # ------------------------------------------------------------ what it is

    @property
    def dtype(self) -> dtype:
        """The type of the elements (`torch.Tensor.dtype`)."""
        return layouts.all[self._layout].dtype

    @property
    def shape(self) -> shapes.Size:
        """The lengths of the axes (`torch.Tensor.shape`)."""
        return layouts.all[self._layout].size

    @property
    def ndim(self) -> int:
        """The number of axes (`torch.Tensor.ndim`)."""
        return len(layouts.all[self._layout].shape)

    @property
    def device(self) -> device:
        """Where it lies: on the CPU (`torch.Tensor.device`)."""
        return CPU

    @property
    def itemsize(self) -> int:
        """Bytes an element (`torch.Tensor.itemsize`)."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes all its elements take (`torch.Tensor.nbytes`)."""
        return self.numel() * self.itemsize

    @property
    def output_nr(self) -> int:
        """Which result of its node it is (`torch.Tensor.output_nr`)."""
        return graph.output_number(self._buffer)

    @property
    def _version(self) -> int:
        if history.is_inference(self):
            raise RuntimeError(errors.INFERENCE_VERSION)
        return history.version(self)

    def _is_view(self) -> bool:
        return bool(buffers[self._buffer]["flags"] & rec.IS_VIEW)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or its length along `dim`."""
        layout = layouts.all[self._layout]
        return layout.size if dim is None else layout.shape[shapes.axis_there(dim, len(layout.shape))]

    def stride(self, dim: int | None = None) -> Any:
        """The strides in elements, or that of `dim`."""
        strides = layouts.all[self._layout].strides
        return strides if dim is None else strides[shapes.axis_there(dim, self.ndim)]

    def dim(self) -> int:
        """The number of axes (`torch.Tensor.dim`)."""
        return len(layouts.all[self._layout].shape)

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return layouts.all[self._layout].numel

    nelement = numel

    def element_size(self) -> int:
        """Bytes an element (`torch.Tensor.element_size`)."""
        return self.itemsize

    def storage_offset(self) -> int:
        """How many elements into its memory the first one lies (`torch.Tensor.storage_offset`)."""
        lessons.refuse()
        row = buffers[self._buffer]
        return (int(row["address"]) - int(buffers[int(row["owner"])]["address"])) // self.itemsize

    def data_ptr(self) -> int:
        """The address of the first element (`torch.Tensor.data_ptr`)."""
        lessons.refuse()
        return int(buffers[self._buffer]["address"])

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether elements lie as the format asks, by rows unless one is given (`torch.Tensor.is_contiguous`)."""
        layout = layouts.all[self._layout]
        if memory_format is None or memory_format is formats.contiguous_format:
            return layout.contiguous
        if memory_format is formats.preserve_format:
            raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
        order = formats.order(memory_format, len(formats.ORDERS.get(memory_format, ())))
        if order is None or len(order) != len(layout.shape):
            return False
        lies = formats.strides(memory_format, layout.shape)
        return not self.numel() or all(n == 1 or s == t for n, s, t in zip(layout.shape, layout.strides, lies))

    def is_floating_point(self) -> bool:
        """Whether the dtype is a floating-point one (`torch.Tensor.is_floating_point`)."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """No tensor is complex (`torch.Tensor.is_complex`)."""
        return False

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The dtype's tensor type by name, or a copy of that dtype."""
        if dtype is None:
            return f"torch.{errors.KINDS[self.dtype.name]}"
        if not isinstance(dtype, (str, type, dtypes.dtype)) and not hasattr(dtype, "_typed"):
            raise TypeError("dtype must be a type, str, or dtype object")
        if isinstance(dtype, (str, type)) and not hasattr(dtype, "_typed") and dtype is not Tensor:
            dtype = dtype if isinstance(dtype, str) else dtype.__name__
            named = {f"torch.{kind}": dtypes.BY_NAME[name] for name, kind in errors.KINDS.items()}
            if dtype not in named:
                raise ValueError(f"invalid type: '{dtype}'")
            dtype = named[dtype]
        return self.to(getattr(dtype, "_typed", dtype) if dtype is not Tensor else dtypes.default_dtype())

    # ------------------------------------------------------------ gradients

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Switch recording for a leaf (`torch.Tensor.requires_grad_`).

        Raises RuntimeError for integer dtypes, and for switching off what is no leaf.
        """
        if not isinstance(requires_grad, bool):
            raise TypeError("requires_grad_(): argument 'requires_grad' (position 1) must be bool, not "
                            f"{type(requires_grad).__name__}")
        lessons.refuse()
        if requires_grad and not self.dtype.is_floating_point:
            raise RuntimeError(errors.REQUIRES_GRAD_SWITCHED.format("floating point dtype"))
        if not requires_grad and not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        row = self._buffer
        before = _flags.item(row)
        if capturing.active is not None and bool(before & rec.REQUIRES_GRAD) != requires_grad and (
                trace := capturing.mine()) is not None:
            trace.switched.add(id(self))
        if requires_grad:
            if before & rec.INFERENCE and not call.is_inferring(None):
                raise RuntimeError(errors.INFERENCE_REQUIRES)
            if before & (rec.VIEWED | rec.REQUIRES_GRAD) == rec.VIEWED:
                history.tell_views(self, True)
            hooks.rejoin(row)
            _flags[row] = _flags.item(row) | rec.REQUIRES_GRAD
        else:
            if before & rec.VIEWED:
                history.tell_views(self, False)
            _flags[row] &= ~rec.REQUIRES_GRAD & 0xFFFFFFFF
        return self

    @property
    def grad_fn(self) -> Any:
        """The node that made this tensor; None for a leaf."""
        return None if self.is_leaf else graph.node_of(self._buffer)

    @property
    def retains_grad(self) -> bool:
        """Whether it keeps its gradient, no leaf though it is (`torch.Tensor.retains_grad`)."""
        return bool(buffers[self._buffer]["flags"] & rec.RETAINS)

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is no leaf (`torch.Tensor.retain_grad`)."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        row = buffers[self._buffer]
        if row["flags"] & rec.NO_GRAD_VIEW and not row["producer"]:
            return  # a leaf, also where its history cannot be told any more
        if not self.is_leaf:  # which brings the history of a view up to date
            buffers["flags"][self._buffer] |= rec.RETAINS

    def register_hook(self, hook: Callable[[Any], Any]) -> hooks.RemovableHandle:
        """Call `hook` with the gradient when it is computed (`torch.Tensor.register_hook`).

        What it returns, unless that is None, replaces the gradient.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        call.freshen(self)
        return hooks.add_tensor_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], Any]) -> hooks.RemovableHandle:
        """Call `hook` with this leaf once its `.grad` has been added to."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not self.is_leaf:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return hooks.add_post_accumulate_hook(self, hook)

    def detach(self) -> Tensor:
        """The same memory without history (`torch.Tensor.detach`)."""
        return dispatch.apply_view(_ops["detach"], self, (), record=False)

    def detach_(self) -> Tensor:
        """Forget this tensor's history (`torch.Tensor.detach_`)."""
        if self._is_view():
            raise RuntimeError(errors.DETACH_VIEW)
        if not self.is_leaf:
            history.forget(self)
        return self.requires_grad_(False)

    @property
    def data(self) -> Tensor:
        """The same memory without history, writes to which `_version` does not count (`torch.Tensor.data`)."""
        lessons.refuse()
        kind = type(self) if type(self)._spreads else Tensor
        return call.adopt(self._layout, int(buffers["address"][self._buffer]), call.borrowed(self), kind)

    @data.setter
    def data(self, value: Any) -> None:
        """Lie where another tensor does, keeping history, gradient and identity."""
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.requires_grad and not value.dtype.is_floating_point:
            raise RuntimeError(
                "data set to a tensor that requires gradients must be floating point or complex dtype")
        data_assignment.settle(self, value)

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")

    # ------------------------------------------------------------ values

    def item(self) -> Any:
        """The one element as a Python number; RuntimeError for more or fewer."""
        if layouts.all[self._layout].numel != 1:
            raise RuntimeError(errors.NOT_SCALAR_ITEM.format(self.numel()))
        if capturing.active is not None and (trace := capturing.mine()) is not None:
            trace.asked = True
            if following.active is not None and self.dtype.category and self.dtype not in dtypes.HALVES:
                return following.active.read(self)
        return self._scalar()

    def _scalar(self) -> Any:
        """The one element; a capture under way takes note that Python knows it now."""
        lessons.refuse()
        if capturing.active is not None and capturing.mine() is not None:
            capturing.guard(self.data_ptr(), self.itemsize)
        found = call.item(self)
        if type(found) is bool and self.dtype in dtypes.HALVES:  # of which native code sees the bits
            return dtypes.decoded(self._memory(), self.dtype).item()
        return found

    def _memory(self) -> np.ndarray[Any, Any]:
        """The memory as NumPy sees it, whatever is recorded."""
        found = call.array_of(self)
        if found is None:
            layouts.tell_geometry(layouts.all[self._layout])
            found = call.array_of(self)
        return found

    def _array(self) -> np.ndarray[Any, Any]:
        """The values for Python to look at; a capture under way takes note that Python knows them now."""
        lessons.refuse()
        if capturing.mine() is not None:
            capturing.looked_at(self)
        return dtypes.decoded(self._memory(), self.dtype)

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self._array().tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """NumPy's array on the same memory (`torch.Tensor.numpy`).

        >>> import tapegrad
        >>> x = tapegrad.zeros(2); x.numpy()[0] = 5; x
        tensor([5., 0.])

        RuntimeError for a tensor that requires grad, unless `force` or under `no_grad`.
        """
        if self.requires_grad and not force and modes.is_grad_enabled():
            raise RuntimeError(errors.NUMPY_REQUIRES_GRAD)
        if self.dtype is dtypes.bfloat16:
            raise TypeError("Got unsupported ScalarType BFloat16")
        capturing.refuse("a tensor's memory is handed to NumPy")
        return self._memory()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError("unable to avoid copy while creating an array as requested")
            return array.astype(dtype)
        return array.copy() if copy else array

    # ------------------------------------------------------------ conversions

    if TYPE_CHECKING:
        def to(self, *args: Any, **kwargs: Any) -> Tensor: ...
    else:
        def to(self, *, device: Any = None, dtype: Any = None, tensor: Any = None, non_blocking: bool = False,
               copy: bool = False, memory_format: Any = None) -> Tensor:
            """This tensor as another dtype; itself when nothing changes (`torch.Tensor.to`).

            >>> import tapegrad
            >>> tapegrad.ones(2).to(tapegrad.int64)
            tensor([1, 1])
            """
            if device is not None:
                devices.required(device)
            dtype = tensor.dtype if tensor is not None else self.dtype if dtype is None else dtype
            if dtype is not self.dtype:
                found = dispatch.apply(_ops["to_copy"], (self,), (("dtype", dtype),))
            else:
                found = self.clone() if copy else self
            if memory_format in (None, formats.preserve_format):
                return found
            layout = layouts.all[found._layout]
            if found is self and formats.suggested(layout.shape, layout.strides) is memory_format:
                return self  # also where it has gaps, as in PyTorch
            lies = formats.strides(memory_format, layout.shape)
            return found if layout.strides == lies else found.clone(memory_format=memory_format)

    def float(self, memory_format: Any = None) -> Tensor:
        return self.to(dtypes.float32, memory_format=memory_format)

    def double(self, memory_format: Any = None) -> Tensor:
        return self.to(dtypes.float64, memory_format=memory_format)

    def half(self, memory_format: Any = None) -> Tensor:
        return self.to(dtypes.float16, memory_format=memory_format)

    def bfloat16(self, memory_format: Any = None) -> Tensor:
        return self.to(dtypes.bfloat16, memory_format=memory_format)

    def long(self, memory_format: Any = None) -> Tensor:
        return self.to(dtypes.int64, memory_format=memory_format)

    def int(self, memory_format: Any = None) -> Tensor:
        return self.to(dtypes.int32, memory_format=memory_format)

    def short(self, memory_format: Any = None) -> Tensor:
        return self.to(dtypes.int16, memory_format=memory_format)

    def char(self, memory_format: Any = None) -> Tensor:
        return self.to(dtypes.int8, memory_format=memory_format)

    def byte(self, memory_format: Any = None) -> Tensor:
        return self.to(dtypes.uint8, memory_format=memory_format)

    def bool(self, memory_format: Any = None) -> Tensor:
        return self.to(dtypes.bool_, memory_format=memory_format)

    def cpu(self, memory_format: Any = None) -> Tensor:
        """Itself: it is there already (`torch.Tensor.cpu`)."""
        return self

    def cuda(self, device: Any = None, non_blocking: Any = False, memory_format: Any = None) -> Tensor:
        """AssertionError: there is no such device (`torch.Tensor.cuda`)."""
        return self.to("cuda")

    def xpu(self, device: Any = None, non_blocking: Any = False, memory_format: Any = None) -> Tensor:
        """AssertionError: there is no such device (`torch.Tensor.xpu`)."""
        return self.to("xpu")

    def pin_memory(self, device: Any = None) -> Tensor:
        """RuntimeError: there is no accelerator to pin it for (`torch.Tensor.pin_memory`)."""
        raise RuntimeError(devices.NO_ACCELERATOR)

    def type_as(self, other: Tensor) -> Tensor:
        return self.to(other.dtype)

    # ------------------------------------------------------------ in place

    def resize_(self, size: Sizes, *, memory_format: Any = None) -> Tensor:
        """Another shape; memory grows when it must, and new elements are not initialised (`torch.Tensor.resize_`)."""
        lessons.refuse()
        history.check_no_inference(self)
        if self.requires_grad:
            raise RuntimeError("cannot resize variables that require grad")
        layout = layouts.intern(self.dtype, size)
        if layout.shape == tuple(self.shape):
            return self
        row = buffers[self._buffer]
        owner = int(row["owner"])
        room = layouts.all[int(buffers[owner]["layout"])].nbytes - self.storage_offset() * self.itemsize
        if layout.nbytes <= room:  # other tensors on this memory stay on it
            data_assignment.lie(self, layout.id, int(row["address"]))
            return self
        if buffers[owner]["flags"] & rec.EXTERNAL:
            raise RuntimeError("Trying to resize storage that is not resizable")
        fresh = call.empty(layout.id)
        shared = min(fresh.numel(), self.numel())
        if shared:
            capturing.refuse("memory is resized")
            fresh._memory().reshape(-1)[:shared] = self._memory().reshape(-1)[:shared]
        return self.set_(fresh)

    def set_(self, source: Any = None, storage_offset: Any = None, size: Sizes | None = None,
             stride: Sizes | None = None) -> Tensor:
        """Lie where another tensor does, or somewhere in a storage; it counts as a write (`torch.Tensor.set_`)."""
        if not isinstance(source, Tensor) or storage_offset is not None or size is not None or stride is not None:
            from tapegrad.functions.storages import looked_at

            return self.set_(looked_at(self, source, storage_offset, size, stride))
        if source.dtype is not self.dtype:
            raise RuntimeError(f"Could not set tensor of type {errors.C_NAMES[source.dtype.name]} to a tensor of type "
                               f"{errors.C_NAMES[self.dtype.name]}")
        lessons.refuse()
        history.check_no_inference(self)
        if call.is_recording(None):
            history.check_rewritable(self)
        data_assignment.settle(self, source)
        buffers["version"][int(buffers["owner"][self._buffer])] += 1
        return made_nodes.without_derivative(self, "NotImplemented", self, source, refusal=RuntimeError(
            "derivative for set_ is not implemented"))

    def resize_as_(self, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
        """The shape of another tensor (`torch.Tensor.resize_as_`)."""
        return self.resize_(the_template.shape)

    # ------------------------------------------------------------ new ones

    @lessons.constant
    def new_full(self, size: Sizes, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
                 pin_memory: Any = False, requires_grad: Any = False) -> Tensor:
        """A tensor of this dtype filled with a number (`torch.Tensor.new_full`)."""
        of = self.dtype if dtype is None else dtype
        with modes.no_grad():
            made = call.empty(layouts.intern(of, size).id).fill_(dtypes.fitted(fill_value, of))
        buffers["version"][made._buffer] = 0  # filling it was part of making it
        if device is not None:
            devices.required(device)
        return made.requires_grad_() if requires_grad else made

    def new_zeros(self, size: Sizes, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  pin_memory: Any = False, requires_grad: Any = False) -> Tensor:
        """Zeros of this dtype (`torch.Tensor.new_zeros`)."""
        return self.new_full(size, 0, dtype=dtype, device=device, requires_grad=requires_grad)

    def new_ones(self, size: Sizes, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  pin_memory: Any = False, requires_grad: Any = False) -> Tensor:
        """Ones of this dtype (`torch.Tensor.new_ones`)."""
        return self.new_full(size, 1, dtype=dtype, device=device, requires_grad=requires_grad)

    @lessons.uninitialised
    def new_empty(self, size: Sizes, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  pin_memory: Any = False, requires_grad: Any = False) -> Tensor:
        """A tensor of this dtype that is not initialised (`torch.Tensor.new_empty`)."""
        if device is not None:
            devices.required(device)
        made = call.empty(layouts.intern(self.dtype if dtype is None else dtype, size).id)
        return made.requires_grad_() if requires_grad else made

    def new_empty_strided(self, size: Sizes, stride: Any, *, dtype: Any = None, layout: Any = None,
                          device: Any = None, pin_memory: Any = False, requires_grad: Any = False) -> Tensor:
        """A tensor of this dtype that is not initialised, with these strides (`torch.Tensor.new_empty_strided`)."""
        from tapegrad import creation

        return creation.empty_strided(size, stride, dtype=self.dtype if dtype is None else dtype, device=device,
                                      requires_grad=requires_grad)

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False,
                   pin_memory: Any = False) -> Tensor:
        """A copy of data as a tensor of this dtype (`torch.Tensor.new_tensor`)."""
        from tapegrad import creation

        if isinstance(data, Tensor):
            dispatch.warn(errors.TENSOR_OF_TENSOR.format("tensor.new_tensor"))
        return creation.tensor_of(data, dtype or self.dtype, device, requires_grad)


for _name in ("new_tensor", "resize_", "resize_as_"):
    setattr(Tensor, _name, checked(vars(Tensor)[_name], f"Tensor.{_name}"))


def _refined(made: Any, cls: Any) -> Any:
    """A new tensor as an instance of a subclass."""
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise TypeError(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. Make sure "
            "your class inherits from Tensor."
        )
    made.__class__ = cls
    return made


def shape_of(sizes: Any) -> shapes.Shape:
    """A shape from `(2, 3)`, `((2, 3),)` or a Size."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    return tuple(int(operator.index(n)) for n in sizes)


def _assign_grad(self: Tensor, value: Any) -> None:
    """`x.grad = value`, checked."""
    if not isinstance(value, Tensor):
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
    if value is self:
        raise RuntimeError("can't assign Variable as its own grad")
    if value.dtype is not self.dtype:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{errors.C_NAMES[value.dtype.name]}' to a "
            f"tensor with grad_dtype '{errors.KINDS[self.dtype.name][:-6]}'. The gradient must match the tensor's "
            "grad_dtype (defaults to the tensor's dtype), which cannot be set here."
        )
    if value.shape != self.shape:
        raise RuntimeError(f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                           f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size")
    call.put_grad(self, dispatch.strided(value))


def _assign_requires_grad(self: Tensor, value: Any) -> None:
    """`x.requires_grad = value`."""
    if not isinstance(value, bool):
        raise RuntimeError("requires_grad must be a bool")
    if value and not self.dtype.is_floating_point:
        raise RuntimeError(errors.REQUIRES_GRAD_SWITCHED.format("floating point and complex dtype"))
    if value and not self.is_leaf:  # which the method lets pass
        raise RuntimeError("you can only change requires_grad flags of leaf variables.")
    self.requires_grad_(value)


def _absent_grad(self: Tensor) -> None:
    warnings.warn(errors.NON_LEAF_GRAD, stacklevel=2)


machine.set_hook("assign_grad", _assign_grad)
machine.set_hook("absent_grad", _absent_grad)
machine.set_hook("assign_requires_grad", _assign_requires_grad)
machine.tensor_type = Tensor
machine.state["tensor_type"] = id(Tensor)

"""Custom Functions for random programs."""
from __future__ import annotations

import functools
from typing import Any


@functools.cache
def custom_functions(t: Any) -> dict[str, Any]:
    """Custom Functions of one library, of the kinds people write."""
    Function = t.autograd.Function

    class Scaled(Function):
        @staticmethod
        def forward(ctx, x, by):
            ctx.by = by
            return x * by

        @staticmethod
        def backward(ctx, g):
            return g * ctx.by, None

    class Product(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return (g * y).sum_to_size(x.shape), (g * x).sum_to_size(y.shape)

    class Exponential(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    class Both(Function):
        @staticmethod
        def forward(ctx, x):
            return x.sin(), x.cos()

        @staticmethod
        def backward(ctx, g, h):
            return g + 2 * h

    class Undefined(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            if g is None:
                return None if h is None else h * 3
            return g * 2 if h is None else g * 2 + h * 3

    class Doubled(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    class Ranked(Function):
        @staticmethod
        def forward(ctx, x):
            order = (x > 0).to(x.dtype)
            ctx.mark_non_differentiable(order)
            return x * order, order

        @staticmethod
        def backward(ctx, g, h):
            return g

    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @t.autograd.function.once_differentiable
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g

    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 3

    class Turned(Function):
        @staticmethod
        def forward(ctx, x):
            return x.view_as(x)

        @staticmethod
        def backward(ctx, g):
            return -g

    class Cubed(Function):
        """In the newer form: what is kept is said apart."""

        @staticmethod
        def forward(x):
            return x ** 3

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return 3 * x * x * g

    class Summed(Function):
        @staticmethod
        def forward(ctx, x, y, z):
            ctx.shapes = x.shape, y.shape
            return x.sum() + y.sum()

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.shapes
            return (g.expand(a) if ctx.needs_input_grad[0] else None, g.expand(b) if ctx.needs_input_grad[1] else None,
                    None)

    class Viewed(Function):
        @staticmethod
        def forward(ctx, x):
            return x.reshape(-1)[:1]

        @staticmethod
        def backward(ctx, g):
            return None

    class Kept(Function):
        """What is kept was made on the way."""

        @staticmethod
        def forward(ctx, x):
            s = x.sigmoid()
            ctx.save_for_backward(s, x)
            ctx.set_materialize_grads(False)
            return s * x

        @staticmethod
        def backward(ctx, g):
            s, x = ctx.saved_tensors
            return None if g is None else g * (s + x * s * (1 - s))

    return {k: v for k, v in locals().items() if isinstance(v, type) and v is not Function}

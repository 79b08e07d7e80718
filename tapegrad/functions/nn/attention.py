"""Attention: one product of scores and values, and the heads around it that `nn.MultiheadAttention` is made of."""
from __future__ import annotations

import math
from typing import Any

from tapegrad import creation, dtypes
from tapegrad.autograd import grad
from tapegrad.dispatch import apply
from tapegrad.functions.common import PUBLIC, kind_name, operation
from tapegrad.functions.nn.activations import NN, nn
from tapegrad.tensor import Tensor

_WEIGHTS, _ATTENTION = operation("_attention_weights"), operation("_attention")
_WHOLE = (dtypes.float32, dtypes.float64)  # dtypes of attention that is one operation; halves are rounded by its parts


def _described(what: str, q: Any, k: Any, v: Any) -> str:
    return f"query.{what}: {q} key.{what}: {k} and value.{what}: {v}"


@nn
def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Any = None,
                                 dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
                                 enable_gqa: bool = False) -> Any:
    """`softmax(query @ key.mT · scale + mask) @ value` (`torch.nn.functional.scaled_dot_product_attention`).

    >>> import tapegrad
    >>> q = tapegrad.tensor([[1.0, 0.0]])
    >>> scaled_dot_product_attention(q, tapegrad.eye(2), tapegrad.tensor([[1.0], [0.0]]), scale=0.0)
    tensor([[0.5000]])

    Queries are (…, L, E), keys (…, S, E), values (…, S, Ev); `scale` is 1/√E. A mask of bools says where to look, one
    of floats is added; `is_causal` looks at the keys up to the query's own place. Where nothing may be looked at the
    result is zero. Under `enable_gqa` some heads of keys and values serve several of queries.

    Raises RuntimeError for dtypes or shapes that do not fit.
    """
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError("Expected query, key, and value to all be  at least 2 dimensional, but got "
                           f"{_described('dim', query.ndim, key.ndim, value.ndim)} instead.")
    if not query.dtype is key.dtype is value.dtype:
        raise RuntimeError("Expected query, key, and value to have the same dtype, but got "
                           f"{_described('dtype', *(kind_name(x).lower() for x in (query, key, value)))} instead.")
    if attn_mask is not None:
        if is_causal:
            raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when "
                               "is_causal=True")
        if attn_mask.dtype not in (dtypes.bool_, dtypes.float32, query.dtype):
            raise RuntimeError("Expected attn_mask dtype to be bool or float or to match query dtype, but got "
                               f"attn_mask.dtype: {kind_name(attn_mask).lower()} int and  query.dtype: "
                               f"{kind_name(query).lower()} instead.")
    scale = 1 / math.sqrt(max(query.shape[-1], 1)) if scale is None else float(scale)
    if attn_mask is None and not is_causal and dropout_p == 0 and query.shape == key.shape == value.shape and \
            query.dtype in _WHOLE and query.numel():
        *_, length, width = query.shape
        packed = PUBLIC["stack"]([query, key, value]).reshape(3, -1, 1, length, width)
        return _attended(packed, scale).reshape(query.shape)
    if enable_gqa and query.ndim > 2:
        key, value = (x.repeat_interleave(query.shape[-3] // x.shape[-3], -3) for x in (key, value))
    scores = (query * scale) @ key.transpose(-2, -1)
    if is_causal:
        attn_mask = creation.ones(scores.shape[-2:], dtype=dtypes.bool_).tril()
    if attn_mask is None:
        weights = scores.softmax(-1)
    else:
        scores = scores.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype is dtypes.bool_ else scores + attn_mask
        weights = scores.softmax(-1) if is_causal else _safe_softmax(scores)
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p:g}")
    if dropout_p > 0:
        weights = NN["dropout"](weights, dropout_p)
    return weights @ value


def _attended(packed: Any, scale: float) -> Any:
    """What (batch, heads, length, width) of queries find, packed with keys and values of their size."""
    given = (("scale", scale),)
    return apply(_ATTENTION, (packed, apply(_WEIGHTS, (packed,), given)), given)


def _recorded_gradient(g: Any, packed: Any, scale: float) -> tuple[Any, None]:
    """The gradient as a function of what was given, and of the one that arrives."""
    if not getattr(packed, "requires_grad", False):
        return None, None
    own = packed.view_as(packed)
    q, k, v = own.unbind(0)
    (found,) = grad(((q * scale) @ k.transpose(-2, -1)).softmax(-1) @ v, own, g, create_graph=True)
    return found, None


_ATTENTION.recorded = _recorded_gradient  # here, since it is composed of tensors' functions


def _safe_softmax(scores: Any) -> Any:
    """Softmax, of which a row with nothing but -inf is zero, and so is its gradient."""
    nothing = (scores == -math.inf).all(-1, keepdim=True)
    return scores.masked_fill(nothing, 0.0).softmax(-1).masked_fill(nothing, 0.0)


def _additive(mask: Any, name: str, dtype: dtypes.dtype) -> Any:
    """A mask as something to add; one of bools says what to leave out."""
    if mask is None:
        return None
    if mask.dtype is not dtypes.bool_ and not mask.dtype.is_floating_point:
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return creation.zeros_like(mask, dtype=dtype).masked_fill_(mask, -math.inf) if mask.dtype is dtypes.bool_ else mask


def _projected(query: Any, key: Any, value: Any, weight: Any, bias: Any, apart: tuple[Any, ...] | None
               ) -> tuple[Any, ...]:
    linear = NN["linear"]
    if apart is not None:
        biases = (None,) * 3 if bias is None else bias.chunk(3)
        return tuple(linear(x, w, b) for x, w, b in zip((query, key, value), apart, biases))
    if query is key is value:
        return tuple(linear(query, weight, bias).chunk(3, -1))
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return tuple(linear(x, w, b) for x, w, b in zip((query, key, value), weight.chunk(3), biases))


@nn
def multi_head_attention_forward(
        query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Any,
        in_proj_bias: Any, bias_k: Any, bias_v: Any, add_zero_attn: bool, dropout_p: float, out_proj_weight: Tensor,
        out_proj_bias: Any, training: bool = True, key_padding_mask: Any = None, need_weights: bool = True,
        attn_mask: Any = None, use_separate_proj_weight: bool = False, q_proj_weight: Any = None,
        k_proj_weight: Any = None, v_proj_weight: Any = None, static_k: Any = None, static_v: Any = None,
        average_attn_weights: bool = True, is_causal: bool = False) -> tuple[Any, Any]:
    """What `nn.MultiheadAttention` computes (`torch.nn.functional.multi_head_attention_forward`).

    Queries are (L, N, E) or (L, E), keys and values (S, N, …) or (S, …). The result, and the weights, of each head or
    their mean, unless `need_weights` is False.
    """
    batched = query.ndim == 3
    if query.ndim not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query "
                             "tensor")
    if key.ndim != query.ndim or value.ndim != query.ndim:
        raise AssertionError(f"For {'batched (3-D)' if batched else 'unbatched (2-D)'} `query`, expected `key` and "
                             "`value` "
                             f"to be {query.ndim}-D but found {key.ndim}-D and {value.ndim}-D tensors respectively")
    if not batched:
        same = query is key is value
        query = query.unsqueeze(1)
        key, value = (query, query) if same else (key.unsqueeze(1), value.unsqueeze(1))
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    length, count, width = query.shape
    if width != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    head = width // num_heads
    if head * num_heads != width:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(f"key's sequence and batch dims {key.shape[:2]} do not match value's "
                                 f"{value.shape[:2]}")
    elif key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
                           "`generate_square_subsequent_mask` to create this mask.")
    padding = _additive(key_padding_mask, "key_padding_mask", query.dtype)
    mask = _additive(attn_mask, "attn_mask", query.dtype)
    apart = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    dropped = dropout_p if training else 0.0
    linear = NN["linear"]

    def shown(found: Any) -> Any:
        """What all heads find for (length, batch) queries, through the last linear map."""
        out = linear(found.reshape(length * count, width), out_proj_weight, out_proj_bias)
        out = out.view(length, count, out.shape[1])
        return out if batched else out.squeeze(1)

    if query is key is value and query.dtype in _WHOLE and query.numel() and not (
            need_weights or dropped or add_zero_attn or any(x is not None for x in (
                padding, mask, apart, bias_k, bias_v, static_k, static_v))):
        packed = linear(query, in_proj_weight, in_proj_bias).view(length, count, 3, num_heads, head)
        out = _attended(packed.permute(2, 1, 3, 0, 4), math.sqrt(1.0 / head)).permute(2, 0, 1, 3)
        return shown(out), None
    q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias, apart)

    source = k.shape[0]
    if mask is not None:
        if mask.ndim == 2:
            if mask.shape != (length, source):
                raise RuntimeError(f"The shape of the 2D attn_mask is {mask.shape}, but should be {(length, source)}.")
            mask = mask.unsqueeze(0)
        elif mask.ndim == 3:
            if mask.shape != (count * num_heads, length, source):
                raise RuntimeError(f"The shape of the 3D attn_mask is {mask.shape}, but should be "
                                   f"{(count * num_heads, length, source)}.")
        else:
            raise RuntimeError(f"attn_mask's dimension {mask.ndim} is not supported")
    pad = NN["pad"]
    extra = 0
    if bias_k is not None and bias_v is not None:
        k, v = (PUBLIC["cat"]([x, b.repeat(1, count, 1)]) for x, b in ((k, bias_k), (v, bias_v)))
        extra += 1

    def heads(x: Any) -> Any:
        return x.reshape(x.shape[0], count * num_heads, head).transpose(0, 1)

    q, k, v = heads(q), heads(k) if static_k is None else static_k, heads(v) if static_v is None else static_v
    if add_zero_attn:
        k, v = (PUBLIC["cat"]([x, x.new_zeros((count * num_heads, 1, head))], 1) for x in (k, v))
        extra += 1
    if extra:
        mask = None if mask is None else pad(mask, (0, extra))
        padding = None if padding is None else pad(padding, (0, extra))
    source = k.shape[1]
    if padding is not None:
        for d, (given, wanted) in enumerate(zip(padding.shape, (count, source))):
            if given != wanted:
                raise AssertionError(f"Expected key_padded_mask.shape[{d}] to be {wanted}, but got {given}")
        spread = padding.view(count, 1, 1, source).expand(-1, num_heads, -1, -1).reshape(count * num_heads, 1, source)
        mask = spread if mask is None else mask + spread
    if need_weights:
        scores = (q * math.sqrt(1.0 / head)) @ k.transpose(-2, -1)
        weights = (scores if mask is None else scores + mask).softmax(-1)
        if dropped > 0:
            weights = NN["dropout"](weights, dropped)
        out = weights @ v
    else:
        out = scaled_dot_product_attention(q, k, v, mask, dropped)
    if not need_weights:
        return shown(out.transpose(0, 1)), None
    weights = weights.view(count, num_heads, length, source)
    if average_attn_weights:
        weights = weights.mean(1)
    return shown(out.transpose(0, 1)), (weights if batched else weights.squeeze(0))

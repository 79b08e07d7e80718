"""Attention with several heads."""
from __future__ import annotations

from typing import Any

from tapegrad import creation
from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn import init
from tapegrad.nn.modules.linear import NonDynamicallyQuantizableLinear
from tapegrad.nn.modules.module import Module
from tapegrad.nn.parameter import Parameter

show_public(__name__)


class MultiheadAttention(Module):
    """Several heads look at keys and values, each with projections of its own (`torch.nn.MultiheadAttention`).

    >>> import tapegrad as torch
    >>> x = torch.ones(5, 2, 8)
    >>> out, weights = torch.nn.MultiheadAttention(8, num_heads=2)(x, x, x)
    >>> out.shape, weights.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 5, 5]))

    Sequences are (L, N, E), (N, L, E) with `batch_first`, or (L, E). From Vaswani et al. (2017).
    """

    bias_k: Any
    bias_v: Any
    embed_dim: int
    num_heads: int
    head_dim: int
    kdim: int
    vdim: int
    dropout: float
    batch_first: bool
    out_proj: NonDynamicallyQuantizableLinear

    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
                 add_bias_kv: bool = False, add_zero_attn: bool = False, kdim: int | None = None,
                 vdim: int | None = None, batch_first: bool = False, device: Any = None, dtype: Any = None) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                             f"num_heads={num_heads} instead")
        super().__init__()
        options = {"device": device, "dtype": dtype}
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim, self.vdim = kdim if kdim is not None else embed_dim, vdim if vdim is not None else embed_dim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        whole = {"in_proj_weight": (3 * embed_dim, embed_dim)}
        apart = {"q_proj_weight": (embed_dim, embed_dim), "k_proj_weight": (embed_dim, self.kdim),
                 "v_proj_weight": (embed_dim, self.vdim)}
        used: dict[str, tuple[int, ...]] = whole if self._qkv_same_embed_dim else apart  # type: ignore[assignment]
        for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_weight"):
            self.register_parameter(name, Parameter(creation.empty(used[name], **options)) if name in used else None)
        self.register_parameter("in_proj_bias", Parameter(creation.empty(3 * embed_dim, **options)) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **options)
        self.bias_k = Parameter(creation.empty((1, 1, embed_dim), **options)) if add_bias_kv else None
        self.bias_v = Parameter(creation.empty((1, 1, embed_dim), **options)) if add_bias_kv else None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(self, query: Any, key: Any, value: Any, key_padding_mask: Any = None, need_weights: bool = True,
                attn_mask: Any = None, average_attn_weights: bool = True, is_causal: bool = False) -> tuple[Any, Any]:
        """What was found for each query, and where each looked (None without `need_weights`)."""
        swapped = self.batch_first and query.dim() == 3
        if swapped:
            turned = {id(x): x.transpose(1, 0) for x in (query, key, value)}
            query, key, value = turned[id(query)], turned[id(key)], turned[id(value)]
        out, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias,
            training=self.training, key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim, q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight, v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal)
        return (out.transpose(1, 0) if swapped else out), weights

    def merge_masks(self, attn_mask: Any, key_padding_mask: Any, query: Any) -> tuple[Any, int | None]:
        """Both masks as one, and of which kind it is: 0 of attention, 1 of padding, 2 of both."""
        if key_padding_mask is None:
            return attn_mask, None if attn_mask is None else 0
        if attn_mask is None:
            return key_padding_mask, 1
        count, length = query.shape[:2]
        spread = attn_mask.view(count, -1, length, length) if attn_mask.dim() == 3 else attn_mask.view(
            1, 1, length, length).expand(count, self.num_heads, -1, -1)
        return spread + key_padding_mask.view(count, 1, 1, length).expand(-1, self.num_heads, -1, -1), 2

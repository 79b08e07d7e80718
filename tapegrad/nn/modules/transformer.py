"""Transformers: layers of attention and of two linear maps, one on the other."""
from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tapegrad import creation, dtypes
from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn import init
from tapegrad.nn.modules.attention import MultiheadAttention
from tapegrad.nn.modules.container import ModuleList
from tapegrad.nn.modules.dropout import Dropout
from tapegrad.nn.modules.linear import Linear
from tapegrad.nn.modules.module import Module
from tapegrad.nn.modules.normalization import LayerNorm

show_public(__name__)

Activation = str | Callable[[Any], Any]


def _get_activation_fn(given: Activation) -> Callable[[Any], Any]:
    if not isinstance(given, str):
        return given
    if given not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {given}")
    return getattr(F, given)


def _get_clones(module: Module, n: int) -> ModuleList:
    return ModuleList([copy.deepcopy(module) for _ in range(n)])


def _causal(length: int, dtype: Any = None) -> Any:
    return creation.full((length, length), float("-inf"), dtype=dtype).triu(1)


def _is_causal(mask: Any, hint: bool | None, length: int) -> bool:
    """Whether a mask hides what comes later and nothing else, if nobody said so."""
    if hint is not None or mask is None:
        return bool(hint)
    return tuple(mask.shape) == (length, length) and bool((mask == _causal(length, mask.dtype)).all())


class _Layer(Module):
    """What the layers of encoder and decoder share: parts in order, each added to what went in, and normalised."""

    _attentions: tuple[str, ...] = ("self_attn",)
    linear1: Linear
    dropout: Dropout
    linear2: Linear
    activation: Callable[[Any], Any]

    def __init__(self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
                 activation: Activation = F.relu, layer_norm_eps: float = 1e-5, batch_first: bool = False,
                 norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        options = {"device": device, "dtype": dtype}
        for name in self._attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first,
                                                   **options))
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **options)
        self.norm_first = norm_first
        parts = range(1, len(self._attentions) + 2)
        for n in parts:
            setattr(self, f"norm{n}", LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options))
        for n in parts:
            setattr(self, f"dropout{n}", Dropout(dropout))
        self.activation = _get_activation_fn(activation)

    def _added(self, x: Any, n: int, part: Callable[[Any], Any]) -> Any:
        norm, drop = getattr(self, f"norm{n}"), getattr(self, f"dropout{n}")
        return x + drop(part(norm(x))) if self.norm_first else norm(x + drop(part(x)))

    def _fed(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Attention of a sequence to itself, then two linear maps (`torch.nn.TransformerEncoderLayer`).

    >>> import tapegrad as torch
    >>> torch.nn.TransformerEncoderLayer(d_model=8, nhead=2)(torch.ones(5, 2, 8)).shape
    torch.Size([5, 2, 8])
    """

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """The sequence, once more."""
        x = self._added(src, 1, lambda x: self.self_attn(
            x, x, x, attn_mask=src_mask, key_padding_mask=src_key_padding_mask, need_weights=False,
            is_causal=is_causal)[0])
        return self._added(x, 2, self._fed)


class TransformerDecoderLayer(_Layer):
    """Attention of a sequence to itself and to another, then two linear maps (`torch.nn.TransformerDecoderLayer`).

    >>> import tapegrad as torch
    >>> torch.nn.TransformerDecoderLayer(d_model=8, nhead=2)(torch.ones(5, 2, 8), torch.ones(7, 2, 8)).shape
    torch.Size([5, 2, 8])
    """

    _attentions = ("self_attn", "multihead_attn")

    def forward(self, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None,
                tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None, tgt_is_causal: bool = False,
                memory_is_causal: bool = False) -> Any:
        """The sequence, once more."""
        x = self._added(tgt, 1, lambda x: self.self_attn(
            x, x, x, attn_mask=tgt_mask, key_padding_mask=tgt_key_padding_mask, is_causal=tgt_is_causal,
            need_weights=False)[0])
        x = self._added(x, 2, lambda x: self.multihead_attn(
            x, memory, memory, attn_mask=memory_mask, key_padding_mask=memory_key_padding_mask,
            is_causal=memory_is_causal, need_weights=False)[0])
        return self._added(x, 3, self._fed)


class TransformerEncoder(Module):
    """Layers of an encoder, copies of one (`torch.nn.TransformerEncoder`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.TransformerEncoderLayer(d_model=8, nhead=2, batch_first=True)
    >>> torch.nn.TransformerEncoder(layer, num_layers=2)(torch.ones(2, 5, 8)).shape
    torch.Size([2, 5, 8])
    """

    layers: ModuleList
    num_layers: int
    norm: Module | None
    enable_nested_tensor: bool
    mask_check: bool
    use_nested_tensor: bool

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None,
                 enable_nested_tensor: bool = True, mask_check: bool = True) -> None:
        super().__init__()
        self.layers = _get_clones(encoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm
        self.enable_nested_tensor, self.mask_check, self.use_nested_tensor = enable_nested_tensor, mask_check, False

    def forward(self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
                ) -> Any:
        """The sequence after all layers."""
        causal = _is_causal(mask, is_causal, src.shape[_time_axis(self, src)])
        for layer in self.layers:
            src = layer(src, src_mask=mask, is_causal=causal, src_key_padding_mask=src_key_padding_mask)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Layers of a decoder, copies of one (`torch.nn.TransformerDecoder`).

    >>> import tapegrad as torch
    >>> layer = torch.nn.TransformerDecoderLayer(d_model=8, nhead=2)
    >>> torch.nn.TransformerDecoder(layer, num_layers=2)(torch.ones(5, 2, 8), torch.ones(7, 2, 8)).shape
    torch.Size([5, 2, 8])
    """

    layers: ModuleList
    num_layers: int
    norm: Module | None

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _get_clones(decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(self, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None,
                tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None,
                tgt_is_causal: bool | None = None, memory_is_causal: bool = False) -> Any:
        """The sequence after all layers."""
        causal = _is_causal(tgt_mask, tgt_is_causal, tgt.shape[_time_axis(self, tgt)])
        for layer in self.layers:
            tgt = layer(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
                        tgt_key_padding_mask=tgt_key_padding_mask, memory_key_padding_mask=memory_key_padding_mask,
                        tgt_is_causal=causal, memory_is_causal=memory_is_causal)
        return tgt if self.norm is None else self.norm(tgt)


def _time_axis(stack: Any, x: Any) -> int:
    attention = getattr(stack.layers[0], "self_attn", None) if len(stack.layers) else None
    return int(x.dim() == 3 and bool(getattr(attention, "batch_first", False)))


class Transformer(Module):
    """An encoder and a decoder (`torch.nn.Transformer`).

    >>> import tapegrad as torch
    >>> model = torch.nn.Transformer(8, 2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16)
    >>> model(torch.ones(7, 2, 8), torch.ones(5, 2, 8)).shape
    torch.Size([5, 2, 8])

    RuntimeError for sequences whose batches or widths do not go together.
    """

    encoder: Module
    decoder: Module
    d_model: int
    nhead: int
    batch_first: bool

    def __init__(self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
                 dim_feedforward: int = 2048, dropout: float = 0.1, activation: Activation = F.relu,
                 custom_encoder: Any = None, custom_decoder: Any = None, layer_norm_eps: float = 1e-5,
                 batch_first: bool = False, norm_first: bool = False, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        options = {"device": device, "dtype": dtype}
        given = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        self.encoder, self.decoder = custom_encoder, custom_decoder
        if custom_encoder is None:
            self.encoder = TransformerEncoder(
                TransformerEncoderLayer(*given, **options), num_encoder_layers,
                LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options))
        if custom_decoder is None:
            self.decoder = TransformerDecoder(
                TransformerDecoderLayer(*given, **options), num_decoder_layers,
                LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options))
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self) -> None:
        for p in self.parameters():
            if p.dim() > 1:
                init.xavier_uniform_(p)

    def forward(self, src: Any, tgt: Any, src_mask: Any = None, tgt_mask: Any = None, memory_mask: Any = None,
                src_key_padding_mask: Any = None, tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None,
                src_is_causal: bool | None = None, tgt_is_causal: bool | None = None, memory_is_causal: bool = False
                ) -> Any:
        """The target sequence, decoded with the source in view."""
        if src.dim() == 3:
            axis = 0 if self.batch_first else 1
            if src.size(axis) != tgt.size(axis):
                raise RuntimeError("the batch number of src and tgt must be equal")
        if src.size(-1) != self.d_model or tgt.size(-1) != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal)

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: dtypes.dtype | None = None) -> Any:
        """A mask that hides what comes later: -inf above the diagonal."""
        return _causal(sz, dtype)



"""Scaling of losses, so that gradients in a short dtype do not vanish: on the CPU as PyTorch does it."""
from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable
from enum import Enum
from typing import Any

from tapegrad.autograd.modes import no_grad
from tapegrad.creation import tensor
from tapegrad.dtypes import int32
from tapegrad.namespaces import show_public
from tapegrad.tensor import Tensor

__all__ = ["GradScaler", "OptState"]
show_public(__name__)

_NO_SCALE = ("Attempted {} but _scale is None.  This may indicate your script did not use scaler.scale(loss or "
             "outputs) earlier in the iteration.")


class OptState(Enum):
    """How far an optimiser has come since the last update of the scale."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


class _Progress:
    """What a scaler knows of one optimiser since the last update: its stage, and whether gradients were infinite."""

    def __init__(self) -> None:
        self.stage = OptState.READY
        self.found_inf: bool | None = None  # None where there were no gradients


class GradScaler:
    """Scales losses, and gradients back; steps with infinite gradients are left out (`torch.amp.GradScaler`).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0], requires_grad=True)
    >>> optimizer, scaler = torch.optim.SGD([x], lr=0.5), torch.amp.GradScaler("cpu", init_scale=4.0)
    >>> scaler.scale((x * x).sum()).backward()
    >>> x.grad
    tensor([8.])
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> x
    tensor([0.], requires_grad=True)

    For a device that is not there it does nothing, with a warning unless `enabled` is False.
    """

    def __init__(self, device: str = "cuda", init_scale: float = 2.0 ** 16, growth_factor: float = 2.0,
                 backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True) -> None:
        if enabled and device == "cuda":
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            enabled = False
        self._device, self._enabled = device, enabled
        if enabled:
            if growth_factor <= 1.0:
                raise AssertionError("The growth factor must be > 1.0.")
            if backoff_factor >= 1.0:
                raise AssertionError("The backoff factor must be < 1.0.")
            self._init_scale, self._init_growth_tracker = init_scale, 0
            self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
            self._growth_interval = growth_interval
            self._scale: Tensor | None = None
            self._growth_tracker: Tensor | None = None
            self._progress: defaultdict[int, _Progress] = defaultdict(_Progress)

    def _begin(self) -> Tensor:
        if self._scale is None:
            self._scale = tensor(float(self._init_scale))
            self._growth_tracker = tensor(self._init_growth_tracker, dtype=int32)
        return self._scale

    def _require_scale(self, function: str) -> tuple[Tensor, Tensor]:
        if self._scale is None or self._growth_tracker is None:
            raise AssertionError(_NO_SCALE.format(function))
        return self._scale, self._growth_tracker

    def scale(self, outputs: Any) -> Any:
        """A tensor, or each of those in an iterable, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._begin()
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimiser's parameters by the scale, say to clip them before `step`."""
        if not self._enabled:
            return
        scale, _ = self._require_scale("unscale_")
        progress = self._progress[id(optimizer)]
        if progress.stage is OptState.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if progress.stage is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        inverse = scale.double().reciprocal().float().item()
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        with no_grad():
            for g in gradients:
                if str(g.dtype) == "torch.float16":
                    raise ValueError("Attempting to unscale FP16 gradients.")
            infinite = False
            for g in gradients:
                infinite |= not bool(g.isfinite().all())
                g.mul_(inverse)
        progress.found_inf = infinite if gradients else None
        progress.stage = OptState.UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step(…)`, unless some gradient is infinite or no number; they are unscaled first if need be."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._require_scale("step")
        progress = self._progress[id(optimizer)]
        if progress.stage is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if progress.stage is OptState.READY:
            self.unscale_(optimizer)
        if progress.found_inf is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None if progress.found_inf else optimizer.step(*args, **kwargs)
        progress.stage = OptState.STEPPED
        return result

    def update(self, new_scale: Any = None) -> None:
        """The scale for the next iteration: less after infinite gradients, more after a long time without."""
        if not self._enabled:
            return
        scale, tracker = self._require_scale("update")
        if isinstance(new_scale, Tensor):
            if new_scale.numel() != 1 or new_scale.requires_grad:
                raise AssertionError("new_scale should be a float or a 1-element torch.cuda.FloatTensor or "
                                     "torch.FloatTensor with requires_grad=False.")
            scale.copy_(new_scale)
        elif new_scale is not None:
            scale.fill_(new_scale)
        else:
            found = [p.found_inf for p in self._progress.values() if p.stage is not OptState.READY
                     and p.found_inf is not None]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            if any(found):
                scale.mul_(self._backoff_factor)
                tracker.zero_()
            elif tracker.item() + 1 == self._growth_interval:
                if scale.mul(self._growth_factor).isfinite():
                    scale.mul_(self._growth_factor)
                tracker.zero_()
            else:
                tracker.add_(1)
        self._progress = defaultdict(_Progress)

    def get_scale(self) -> float:
        """The scale, 1 where scaling is off."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        return self._init_growth_tracker if self._growth_tracker is None else int(self._growth_tracker.item())

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by after `growth_interval` steps in a row."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set that factor."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after infinite gradients."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set that factor."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many steps in a row the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set that number."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether it scales at all."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The scale and how it changes, empty where scaling is off."""
        if not self._enabled:
            return {}
        return {"scale": self.get_scale(), "growth_factor": self._growth_factor,
                "backoff_factor": self._backoff_factor, "growth_interval": self._growth_interval,
                "_growth_tracker": self._get_growth_tracker()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` of another scaler returned."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("The source state dict is empty, possibly because it was saved from a disabled instance "
                               "of GradScaler.")
        self._init_scale, self._init_growth_tracker = state_dict["scale"], state_dict["_growth_tracker"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        if self._growth_tracker is not None:
            self._growth_tracker.fill_(state_dict["_growth_tracker"])
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if self._enabled:
            if self._progress:
                raise AssertionError("A GradScaler instance may only be pickled at the beginning of an iteration, or "
                                     "at the end after scaler.update().")
            state.update(_init_scale=self.get_scale(), _init_growth_tracker=self._get_growth_tracker(), _scale=None,
                         _growth_tracker=None)
        return state

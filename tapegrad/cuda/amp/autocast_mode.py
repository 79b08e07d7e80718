"""Where programs import autocast from (`torch.cuda.amp.autocast_mode`)."""
from tapegrad.cuda.amp import autocast, custom_bwd, custom_fwd
from tapegrad.namespaces import show_public

__all__ = ["autocast", "custom_bwd", "custom_fwd"]
show_public(__name__)

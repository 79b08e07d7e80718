"""Where programs import the scaler of gradients from (`torch.cuda.amp.grad_scaler`)."""
from tapegrad.amp.grad_scaler import OptState as OptState
from tapegrad.cuda.amp import GradScaler
from tapegrad.namespaces import show_public

__all__ = ["GradScaler"]
show_public(__name__)

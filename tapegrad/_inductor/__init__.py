"""The compiler behind PyTorch's `torch.compile`, which programs tune (`torch._inductor`): it is not here."""
from tapegrad._inductor import config as config

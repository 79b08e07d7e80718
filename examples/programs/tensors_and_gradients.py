"""Tensors, gradients, grad modes, a function of one's own, hooks, and a gradient of a gradient."""
import tapegrad as torch
from tapegrad.autograd import Function, Variable, grad


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x ** 2 * g


class Exp(Function):
    @staticmethod
    def forward(x):
        return x.exp()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


x = Variable(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), requires_grad=True)
y = x + 2
z = y * y * 3
out = z.mean()
print(y.grad_fn.name(), z.grad_fn.next_functions[0][0].name(), out)
out.backward()
print(x.grad, x.is_leaf, y.is_leaf, y.requires_grad)

w = torch.linspace(-1, 1, 5, requires_grad=True)
Cube.apply(w).sum().backward()
print(w.grad)
print(grad(Exp.apply(w * 2).sum(), w)[0])

with torch.no_grad():
    print((w * 2).requires_grad)
with torch.inference_mode():
    print((w * 2).requires_grad, torch.is_inference_mode_enabled())


@torch.no_grad()
def frozen(v):
    return v * 2


print(frozen(w).requires_grad, w.detach().requires_grad)

seen = []
v = (w * 3)
v.retain_grad()
handle = v.register_hook(lambda g: seen.append(g.sum().item()) or g * 2)
w.grad = None
v.pow(2).sum().backward()
handle.remove()
print(seen, v.grad, w.grad)

a = torch.tensor(2.0, requires_grad=True)
(first,) = grad(a ** 4, a, create_graph=True)
(second,) = grad(first, a, create_graph=True)
(third,) = grad(second, a)
print(first.item(), second.item(), third.item())

s = torch.randn(3, generator=torch.Generator().manual_seed(1), requires_grad=True)
p = s * 2
while p.data.norm() < 100:
    p = p * 2
p.backward(torch.tensor([0.1, 1.0, 0.001]))
print(s.grad)

try:
    p.backward(torch.ones(3))
except RuntimeError as error:
    print(str(error).split(".")[0])
b = torch.ones(2, requires_grad=True)
c = b.exp()
try:
    c.add_(1)
    c.sum().backward()
except RuntimeError as error:
    print("modified by an inplace operation" in str(error))

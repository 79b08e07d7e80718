"""Linear and softmax regression from scratch and with layers, over minibatches."""
import tapegrad as torch
from tapegrad import nn
from tapegrad.utils import data


def synthetic_data(w, b, num_examples):
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = torch.matmul(X, w) + b
    y += torch.normal(0, 0.01, y.shape)
    return X, y.reshape((-1, 1))


def load_array(data_arrays, batch_size, is_train=True):
    dataset = data.TensorDataset(*data_arrays)
    return data.DataLoader(dataset, batch_size, shuffle=is_train)


def sgd(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()


torch.manual_seed(1)
true_w, true_b = torch.tensor([2, -3.4]), 4.2
features, labels = synthetic_data(true_w, true_b, 250)
print("features:", features[0], "\nlabel:", labels[0])

w = torch.normal(0, 0.01, size=(2, 1), requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for epoch in range(3):
    for X, y in load_array((features, labels), 10):
        l = (torch.matmul(X, w) + b - y.reshape(w.shape[0] * 0 + len(y), 1)) ** 2 / 2
        l.sum().backward()
        sgd([w, b], 0.03, len(y))
    with torch.no_grad():
        train_l = (torch.matmul(features, w) + b - labels) ** 2 / 2
        print(f"epoch {epoch + 1}, loss {float(train_l.mean()):f}")
print(f"error in estimating w: {true_w - w.reshape(true_w.shape)}")

net = nn.Sequential(nn.Linear(2, 1))
net[0].weight.data.normal_(0, 0.01)
net[0].bias.data.fill_(0)
loss = nn.MSELoss()
trainer = torch.optim.SGD(net.parameters(), lr=0.03)
for epoch in range(3):
    for X, y in load_array((features, labels), 16):  # the last one is smaller
        l = loss(net(X), y)
        trainer.zero_grad()
        l.backward()
        trainer.step()
    print(f"epoch {epoch + 1}, loss {loss(net(features), labels):f}")
print("error in estimating b:", true_b - net[0].bias.data)


def softmax(X):
    X_exp = torch.exp(X)
    return X_exp / X_exp.sum(1, keepdim=True)


def cross_entropy(y_hat, y):
    return -torch.log(y_hat[range(len(y_hat)), y])


centres = torch.tensor([[2.0, 0.0], [-1.0, 1.5], [-1.0, -1.5]])
kinds = torch.randint(0, 3, (300,))
points = centres[kinds] + torch.randn(300, 2)
W = torch.normal(0, 0.01, size=(2, 3), requires_grad=True)
c = torch.zeros(3, requires_grad=True)
for epoch in range(4):
    right = 0.0
    for X, y in load_array((points, kinds), 32):
        y_hat = softmax(X @ W + c)
        cross_entropy(y_hat, y).sum().backward()
        sgd([W, c], 0.1, X.shape[0])
        right += float((y_hat.argmax(axis=1).type(y.dtype) == y).type(y.dtype).sum())
    print(epoch, right / len(kinds))

net = nn.Sequential(nn.Flatten(), nn.Linear(2, 3))


def init_weights(m):
    if type(m) == nn.Linear:
        nn.init.normal_(m.weight, std=0.01)


net.apply(init_weights)
loss = nn.CrossEntropyLoss(reduction="none")
trainer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(4):
    net.train()
    for X, y in load_array((points, kinds), 32):
        l = loss(net(X), y)
        trainer.zero_grad()
        l.mean().backward()
        trainer.step()
net.eval()
with torch.no_grad():
    print(f"{loss(net(points), kinds).mean():.4f}", (net(points).argmax(1) == kinds).float().mean())
mask = torch.rand(4, 3) > 0.5
t = torch.ones(4, 3)
t[mask] = 0.0
print(t.sum(), t.mean(axis=0), t.max(dim=1, keepdims=True)[0].shape)

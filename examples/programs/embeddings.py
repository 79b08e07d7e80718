"""What lies near what: matrix factorisation, skip-grams with negative samples, bags of words, a recommender."""
import tapegrad as torch
import tapegrad.nn as nn
import tapegrad.nn.functional as F
from tapegrad.utils.data import DataLoader, Dataset, random_split

torch.manual_seed(4)
true_users, true_items = torch.randn(12, 2), torch.randn(9, 2)
ratings = true_users @ true_items.t()
users, items = torch.cartesian_prod(torch.arange(12), torch.arange(9)).unbind(1)


class Ratings(Dataset):
    def __len__(self):
        return len(users)

    def __getitem__(self, i):
        return users[i], items[i], ratings[users[i], items[i]]


class MF(nn.Module):
    def __init__(self, factors=3):
        super().__init__()
        self.P, self.Q = nn.Embedding(12, factors), nn.Embedding(9, factors)
        self.user_bias, self.item_bias = nn.Embedding(12, 1), nn.Embedding(9, 1)
        for part in (self.P, self.Q):
            part.weight.data.uniform_(-0.5, 0.5)

    def forward(self, u, i):
        out = (self.P(u) * self.Q(i)).sum(1) + self.user_bias(u).squeeze(1) + self.item_bias(i).squeeze(1)
        return out


train, test = random_split(Ratings(), [90, 18], generator=torch.Generator().manual_seed(0))
model, loss_fn = MF(), nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=1e-5)
for epoch in range(12):
    total = 0.0
    for u, i, r in DataLoader(train, batch_size=32, shuffle=True):
        loss = loss_fn(model(u, i), r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(r)
    if epoch % 4 == 3:
        print(f"epoch {epoch}: {total / len(train):.4f}")
u, i, r = next(iter(DataLoader(test, batch_size=len(test))))
print(len(test), F.mse_loss(model(u, i), r).item() > 0)

corpus = "the king rules the land the queen rules the land the cat chases the mouse the dog chases the cat".split()
vocabulary = {w: i for i, w in enumerate(dict.fromkeys(corpus))}
encoded = [vocabulary[w] for w in corpus]
near = [(i, j) for i in range(len(encoded)) for j in range(max(0, i - 2), min(len(encoded), i + 3)) if i != j]
pairs = torch.tensor([(encoded[i], encoded[j]) for i, j in near])
counts = torch.bincount(torch.tensor(encoded), minlength=len(vocabulary)).float() ** 0.75


class SkipGram(nn.Module):
    def __init__(self, size, dim=8):
        super().__init__()
        self.u_embeddings, self.v_embeddings = nn.Embedding(size, dim, sparse=False), nn.Embedding(size, dim)
        nn.init.uniform_(self.u_embeddings.weight, -0.5 / dim, 0.5 / dim)
        nn.init.constant_(self.v_embeddings.weight, 0)

    def forward(self, u, v, negative):
        emb_u, emb_v, emb_n = self.u_embeddings(u), self.v_embeddings(v), self.v_embeddings(negative)
        score = F.logsigmoid(torch.sum(emb_u * emb_v, dim=1).clamp(-10, 10))
        noise = F.logsigmoid(-torch.bmm(emb_n, emb_u.unsqueeze(2)).squeeze().clamp(-10, 10)).sum(1)
        return -(score + noise).mean()


skip = SkipGram(len(vocabulary))
optimizer = torch.optim.SGD(skip.parameters(), lr=0.5)
for epoch in range(30):
    negative = torch.multinomial(counts, len(pairs) * 3, replacement=True).view(-1, 3)
    loss = skip(pairs[:, 0], pairs[:, 1], negative)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"skip-gram {loss.item():.4f}")
similar = F.cosine_similarity(skip.u_embeddings.weight[vocabulary["king"]].unsqueeze(0), skip.u_embeddings.weight)
print(similar.argmax().item() == vocabulary["king"], similar.shape)

bag = nn.EmbeddingBag(10, 4, mode="mean")
text, offsets = torch.tensor([1, 2, 4, 5, 4, 3, 2, 9]), torch.tensor([0, 4])
classifier = nn.Linear(4, 2)
out = classifier(bag(text, offsets))
F.cross_entropy(out, torch.tensor([0, 1])).backward()
print(out.shape, (bag.weight.grad.abs().sum(1) > 0).int().tolist())
padded = nn.Embedding(5, 3, padding_idx=0)
padded(torch.tensor([[0, 2, 0, 4]])).sum().backward()
print(padded.weight[0], padded.weight.grad.sum(1))
try:
    torch.optim.SparseAdam(model.parameters(), lr=0.1).step()
except RuntimeError as error:
    print(str(error)[:40])
frozen = nn.Embedding.from_pretrained(torch.arange(6.0).view(3, 2))
print(frozen(torch.tensor([2, 0])), frozen.weight.requires_grad)

"""What a program in PyTorch defines itself, where PyTorch has no such layer: texts of classes and functions."""

HELPERS = {
    "PositionBias": '''
class PositionBias(nn.Module):
    """A bias of its own for every place of the map."""

    def __init__(self, shape):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return x + self.bias
''',
    "PartialConv": '''
class PartialConv(nn.Module):
    """A convolution each map of which sees some maps of x only (LeCun et al. 1998, Table I)."""

    def __init__(self, sees, **options):
        super().__init__()
        self.sees = sees
        self.convs = nn.ModuleList(nn.Conv2d(len(maps), 1, **options) for maps in sees)

    def forward(self, x):
        return torch.cat([conv(x[:, maps]) for conv, maps in zip(self.convs, self.sees)], dim=1)
''',
    "Subsample": '''
class Subsample(nn.Module):
    """The mean of each window, times a coefficient of the map, plus a bias (LeCun et al. 1998)."""

    def __init__(self, maps, size):
        super().__init__()
        self.size = size
        self.coefficient = nn.Parameter(torch.ones(maps, 1, 1))
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, x):
        return F.avg_pool2d(x, self.size) * self.coefficient + self.bias
''',
    "RadialBasis": '''
class RadialBasis(nn.Module):
    """Squared distances to centres that are set by hand and do not train."""

    def __init__(self, in_features, out):
        super().__init__()
        self.register_buffer("centres", torch.ones(out, in_features))

    def forward(self, x):
        return (x.flatten(1)[:, None] - self.centres).square().sum(-1)
''',
    "Positions": '''
class Positions(nn.Module):
    """A learned vector added at every position."""

    def __init__(self, shape):
        super().__init__()
        self.vectors = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return x + self.vectors
''',
    "ClassToken": '''
class ClassToken(nn.Module):
    """Learned vectors set before a sequence."""

    def __init__(self, features, tokens=1):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, tokens, features))

    def forward(self, x):
        return torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
''',
    "Scale": '''
class Scale(nn.Module):
    """A learned factor."""

    def __init__(self, shape):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(shape))

    def forward(self, x):
        return x * self.factor
''',
    "L2Norm": '''
class L2Norm(nn.Module):
    """Vectors over the features brought to length 1, times a learned factor a feature (Liu et al. 2015)."""

    def __init__(self, features):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(features))

    def forward(self, x):
        return F.normalize(x, dim=-1) * self.factor
''',
    "StochasticDepth": '''
class StochasticDepth(nn.Module):
    """In training, whole examples of a branch are left out with probability p (Huang et al. 2016)."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        kept = torch.empty([len(x)] + [1] * (x.dim() - 1), device=x.device).bernoulli_(1 - self.p)
        return x * kept / (1 - self.p)
''',
    "FrozenBatchNorm": '''
class FrozenBatchNorm(nn.Module):
    """Batch normalisation whose scale and shift are kept as they are."""

    def __init__(self, features):
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("mean", 0.0), ("variance", 1.0)):
            self.register_buffer(name, torch.full((features, 1, 1), value))

    def forward(self, x):
        return (x - self.mean) * self.weight * (self.variance + 1e-5).rsqrt() + self.bias
''',
    "Attention": '''
class Attention(nn.Module):
    """Attention whose heads have a size of their own; `kv` of them make keys and values for all."""

    def __init__(self, features, heads, key, value=None, kv=None, out=None, bias=True):
        super().__init__()
        self.heads, self.kv = heads, kv or heads
        value = value or key
        self.query = nn.Linear(features, heads * key, bias=bias)
        self.key = nn.Linear(features, self.kv * key, bias=bias)
        self.value = nn.Linear(features, self.kv * value, bias=bias)
        self.output = nn.Linear(heads * value, out or features, bias=bias)

    def forward(self, x):
        query = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = (
            make(x).unflatten(-1, (self.kv, -1)).transpose(1, 2).repeat_interleave(self.heads // self.kv, 1)
            for make in (self.key, self.value)
        )
        weights = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)
        return self.output((weights @ value).transpose(1, 2).flatten(2))
''',
    "both_ends": '''
def both_ends(x):
    """The last state of each direction of a recurrent layer."""
    half = x.shape[-1] // 2
    return torch.cat([x[:, -1, :half], x[:, 0, half:]], dim=-1)
''',
}
"""What a program defines where PyTorch has no such layer."""

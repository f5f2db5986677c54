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
        return x + (self.vectors if self.vectors.dim() > 2 else self.vectors[: x.shape[1]])
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
    "WindowAttention": '''
class WindowAttention(nn.Module):
    """Attention within windows of a map (Liu et al. 2021), or along a grid of it (Tu et al. 2022)."""

    def __init__(self, channels, heads, window=7, shift=0, grid=False, position="table", bias=True):
        super().__init__()
        self.heads, self.window, self.shift, self.grid = heads, window, shift, grid
        self.qkv = nn.Linear(channels, 3 * channels, bias=bias)
        self.output = nn.Linear(channels, channels, bias=bias)
        offsets = (2 * window - 1) ** 2
        if position == "table":
            self.table = nn.Parameter(torch.zeros(offsets, heads))
        elif position == "mlp":
            self.temperature = nn.Parameter(torch.zeros(heads))
            self.table = nn.Sequential(nn.Linear(2, 512), nn.ReLU(), nn.Linear(512, heads, bias=False))

    def biases(self):
        steps = torch.arange(self.window)
        grid = torch.stack(torch.meshgrid(steps, steps, indexing="ij")).flatten(1)
        apart = (grid[:, :, None] - grid[:, None]).permute(1, 2, 0) + self.window - 1
        if isinstance(self.table, nn.Sequential):
            return self.table(apart.float()).permute(2, 0, 1)
        return self.table[(apart[..., 0] * (2 * self.window - 1) + apart[..., 1]).flatten()].unflatten(
            0, apart.shape[:2]
        ).permute(2, 0, 1)

    def forward(self, x):
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % self.window, 0, -height % self.window))
        x = x.roll((-self.shift, -self.shift), (2, 3)).movedim(1, -1)
        batch, rows, columns, channels = x.shape
        sizes = (rows // self.window, self.window), (columns // self.window, self.window)
        sizes = [pair[::-1] for pair in sizes] if self.grid else sizes
        x = x.reshape(batch, *sizes[0], *sizes[1], channels)
        order = (0, 2, 4, 1, 3, 5) if self.grid else (0, 1, 3, 2, 4, 5)
        x = x.permute(order).reshape(-1, self.window**2, channels)
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        if hasattr(self, "table"):
            scores = scores + self.biases()
        x = self.output((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))
        wide = (rows // self.window, columns // self.window, self.window, self.window)
        x = x.reshape(batch, *wide, channels)
        back = (0, 3, 1, 4, 2, 5) if self.grid else (0, 1, 3, 2, 4, 5)
        x = x.permute(back).reshape(batch, rows, columns, channels).movedim(-1, 1)
        return x.roll((self.shift, self.shift), (2, 3))[:, :, :height, :width]
''',
    "rotated": '''
def rotated(x):
    """Pairs of features turned by an angle that grows with the position (Su et al. 2021)."""
    half = x.shape[-1] // 2
    rates = 10000 ** (-torch.arange(half, device=x.device) / half)
    angles = torch.arange(x.shape[1], device=x.device)[:, None] * rates
    first, second = x[..., :half], x[..., half:]
    return torch.cat(
        [first * angles.cos() - second * angles.sin(), first * angles.sin() + second * angles.cos()], dim=-1
    )
''',
    "both_ends": '''
def both_ends(x):
    """The last state of each direction of a recurrent layer."""
    half = x.shape[-1] // 2
    return torch.cat([x[:, -1, :half], x[:, 0, half:]], dim=-1)
''',
}
"""What a program defines where PyTorch has no such layer."""

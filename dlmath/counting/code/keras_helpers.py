"""What a program in Keras defines itself, where Keras has no such layer: texts of classes and functions."""

HELPERS = {
    "PositionBias": '''
class PositionBias(layers.Layer):
    """A bias of its own for every place of the map."""

    def build(self, shape):
        self.bias = self.add_weight(shape=shape[1:], initializer="zeros", name="bias")

    def call(self, x):
        return x + self.bias
''',
    "partial_conv": '''
def partial_conv(x, options):
    """A convolution each map of which sees some maps of x only (LeCun et al. 1998, Table I)."""
    sees = options.pop("sees")
    return layers.Concatenate()(
        [layers.Conv2D(1, **options)(ops.take(x, maps, axis=-1)) for maps in sees]
    )
''',
    "Subsample": '''
class Subsample(layers.Layer):
    """The sum of each window, times a coefficient of the map, plus a bias (LeCun et al. 1998)."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def build(self, shape):
        self.coefficient = self.add_weight(shape=shape[-1:], initializer="ones", name="coefficient")
        self.bias = self.add_weight(shape=shape[-1:], initializer="zeros", name="bias")

    def call(self, x):
        return ops.average_pool(x, self.size) * self.coefficient + self.bias
''',
    "RadialBasis": '''
class RadialBasis(layers.Layer):
    """Squared distances to centres that are set by hand and do not train."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def build(self, shape):
        size = 1
        for axis in shape[1:]:
            size *= axis
        self.centres = self.add_weight(shape=(size, self.out), trainable=False, name="centres")

    def call(self, x):
        x = ops.reshape(x, (-1, self.centres.shape[0], 1))
        return ops.sum(ops.square(x - self.centres), axis=1)
''',
    "Positions": '''
class Positions(layers.Layer):
    """A learned vector added at every position; `held` of them are kept for longer sequences."""

    def __init__(self, held=None):
        super().__init__()
        self.held = held

    def build(self, shape):
        held = shape[1:] if self.held is None else (self.held, shape[-1])
        self.vectors = self.add_weight(shape=held, name="vectors")

    def call(self, x):
        return x + self.vectors[: x.shape[1]]
''',
    "Bias": '''
class Bias(layers.Layer):
    """A bias a feature."""

    def build(self, shape):
        self.bias = self.add_weight(shape=shape[-1:], initializer="zeros", name="bias")

    def call(self, x):
        return x + self.bias
''',
    "SpaceToDepth": '''
class SpaceToDepth(layers.Layer):
    """Squares of positions laid into the channels, the map padded to whole squares."""

    def __init__(self, block=2):
        super().__init__()
        self.block = block

    def call(self, x):
        b = self.block
        x = ops.pad(x, [[0, 0], [0, -x.shape[1] % b], [0, -x.shape[2] % b], [0, 0]])
        _, rows, columns, channels = x.shape
        x = ops.reshape(x, (-1, rows // b, b, columns // b, b, channels))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, rows // b, columns // b, b * b * channels))
''',
    "Rotary": '''
class Rotary(layers.Layer):
    """Pairs of features turned by an angle that grows with the position (Su et al. 2021)."""

    def call(self, x):
        half = x.shape[-1] // 2
        rates = 10000.0 ** (-ops.arange(half, dtype="float32") / half)
        angles = ops.arange(x.shape[1], dtype="float32")[:, None] * rates
        first, second = x[..., :half], x[..., half:]
        turned = first * ops.cos(angles) - second * ops.sin(angles), first * ops.sin(angles) + second * ops.cos(angles)
        return ops.concatenate(turned, axis=-1)
''',
    "WindowAttention": '''
class WindowAttention(layers.Layer):
    """Attention within windows of a map (Liu et al. 2021), or along a grid of it (Tu et al. 2022)."""

    def __init__(self, heads, window=7, shift=0, grid=False, position="table", bias=True):
        super().__init__()
        self.heads, self.window, self.shift, self.grid = heads, window, shift, grid
        self.position, self.bias = position, bias

    def build(self, shape):
        self.qkv = layers.Dense(3 * shape[-1], use_bias=self.bias)
        self.output_layer = layers.Dense(shape[-1], use_bias=self.bias)
        self.qkv.build((None, None, shape[-1]))
        self.output_layer.build((None, None, shape[-1]))
        offsets = (2 * self.window - 1) ** 2
        if self.position == "mlp":
            self.hidden = layers.Dense(512, activation="relu")
            self.table = layers.Dense(self.heads, use_bias=False)
            self.hidden.build((None, None, 2))
            self.table.build((None, None, 512))
            self.temperature = self.add_weight(shape=(self.heads,), initializer="zeros", name="temperature")
        elif self.position == "table":
            self.table = self.add_weight(shape=(offsets, self.heads), initializer="zeros", name="table")

    def biases(self):
        places = [(row, column) for row in range(self.window) for column in range(self.window)]
        wide = 2 * self.window - 1
        if self.position == "mlp":
            apart = [[(a - c, b - d) for c, d in places] for a, b in places]
            return ops.transpose(self.table(self.hidden(ops.convert_to_tensor(apart, "float32"))), (2, 0, 1))
        index = [
            [(a - c + self.window - 1) * wide + b - d + self.window - 1 for c, d in places] for a, b in places
        ]
        return ops.transpose(ops.take(self.table, index, axis=0), (2, 0, 1))

    def call(self, x):
        height, width, w = x.shape[1], x.shape[2], self.window
        x = ops.pad(x, [[0, 0], [0, -height % w], [0, -width % w], [0, 0]])
        x = ops.roll(x, (-self.shift, -self.shift), (1, 2))
        _, rows, columns, channels = x.shape
        sizes = (rows // w, w), (columns // w, w)
        sizes = [pair[::-1] for pair in sizes] if self.grid else sizes
        x = ops.reshape(x, (-1, *sizes[0], *sizes[1], channels))
        x = ops.transpose(x, (0, 2, 4, 1, 3, 5) if self.grid else (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, w * w, channels))
        qkv = ops.reshape(self.qkv(x), (-1, w * w, 3, self.heads, channels // self.heads))
        query, key, value = (ops.transpose(qkv[:, :, number], (0, 2, 1, 3)) for number in range(3))
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) / (channels // self.heads) ** 0.5
        scores = scores if self.position == "none" else scores + self.biases()
        x = ops.transpose(ops.matmul(ops.softmax(scores), value), (0, 2, 1, 3))
        x = self.output_layer(ops.reshape(x, (-1, w * w, channels)))
        x = ops.reshape(x, (-1, rows // w, columns // w, w, w, channels))
        x = ops.transpose(x, (0, 3, 1, 4, 2, 5) if self.grid else (0, 1, 3, 2, 4, 5))
        x = ops.roll(ops.reshape(x, (-1, rows, columns, channels)), (self.shift, self.shift), (1, 2))
        return x[:, :height, :width]
''',
    "ClassToken": '''
class ClassToken(layers.Layer):
    """Learned vectors set before a sequence."""

    def __init__(self, tokens=1):
        super().__init__()
        self.tokens = tokens

    def build(self, shape):
        self.token = self.add_weight(shape=(1, self.tokens, shape[-1]), initializer="zeros", name="token")

    def call(self, x):
        return ops.concatenate([ops.repeat(self.token, ops.shape(x)[0], axis=0), x], axis=1)

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] + self.tokens, shape[2])
''',
    "Scale": '''
class Scale(layers.Layer):
    """A learned factor: one a channel, one in all, or one an element."""

    def __init__(self, per="channel"):
        super().__init__()
        self.per = per

    def build(self, shape):
        sizes = {"channel": shape[-1:], "layer": (), "element": shape[1:]}[self.per]
        self.factor = self.add_weight(shape=sizes, initializer="ones", name="factor")

    def call(self, x):
        return x * self.factor
''',
    "L2Norm": '''
class L2Norm(layers.Layer):
    """Vectors over the channels brought to length 1, times a learned factor a channel (Liu et al. 2015)."""

    def build(self, shape):
        self.factor = self.add_weight(shape=shape[-1:], initializer="ones", name="factor")

    def call(self, x):
        return ops.normalize(x, axis=-1) * self.factor
''',
    "LocalResponseNorm": '''
class LocalResponseNorm(layers.Layer):
    """x / (k + alpha * the squares of neighbouring channels)^beta (Krizhevsky et al. 2012)."""

    def __init__(self, size=5, k=2.0, alpha=1e-4, beta=0.75):
        super().__init__()
        self.size, self.k, self.alpha, self.beta = size, k, alpha, beta

    def call(self, x):
        half = self.size // 2
        padded = ops.pad(ops.square(x), [[0, 0]] * (x.ndim - 1) + [[half, self.size - 1 - half]])
        total = sum(padded[..., start : start + x.shape[-1]] for start in range(self.size))
        return x / (self.k + self.alpha * total) ** self.beta
''',
}
"""What a program defines where Keras has no such layer."""

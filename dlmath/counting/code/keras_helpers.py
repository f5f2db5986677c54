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
    """A learned vector added at every position."""

    def build(self, shape):
        self.vectors = self.add_weight(shape=shape[1:], name="vectors")

    def call(self, x):
        return x + self.vectors
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

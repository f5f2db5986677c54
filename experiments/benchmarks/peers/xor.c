/* The fair upper bound of train_gate_engine.py: many 2-2-1 sigmoid networks on one truth table of four rows,
 * mean squared error, full-batch gradient descent, backpropagation written out.
 *
 * Parameters lie seed-last, parameters[k * seeds + s], with k =
 *     0 1  weights of hidden unit 0 from inputs 0 and 1      2  its bias
 *     3 4  weights of hidden unit 1                          5  its bias
 *     6 7  weights of the output unit                        8  its bias
 * so that the loop over seeds is a loop over adjacent numbers: it becomes vector code, exp becomes libmvec's.
 * A block of seeds runs all its epochs while its parameters stay in the first-level cache. The truth table is
 * data, as it is for every other contender. Nothing is recorded and nobody stops early.
 *
 *     gcc -O3 -march=native -ffast-math -fopenmp-simd -shared -fPIC [-DREAL=double] xor.c -lm
 */
#include <tgmath.h>

#ifndef REAL
#define REAL float
#endif
#ifndef BLOCK
#define BLOCK 512
#endif

enum { ROWS = 4, PARAMETERS = 9 };

static inline REAL sigmoid(REAL z) { return 1 / (1 + exp(-z)); }

static void epoch(REAL block[restrict PARAMETERS][BLOCK], const REAL inputs[restrict ROWS][2],
                  const REAL targets[restrict ROWS], REAL rate)
{
#pragma omp simd
    for (int s = 0; s < BLOCK; s++) {
        const REAL a0 = block[0][s], a1 = block[1][s], a2 = block[2][s];
        const REAL b0 = block[3][s], b1 = block[4][s], b2 = block[5][s];
        const REAL v0 = block[6][s], v1 = block[7][s], v2 = block[8][s];
        REAL ga0 = 0, ga1 = 0, ga2 = 0, gb0 = 0, gb1 = 0, gb2 = 0, gv0 = 0, gv1 = 0, gv2 = 0;
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) {
            const REAL x0 = inputs[r][0], x1 = inputs[r][1];
            const REAL h0 = sigmoid(a0 * x0 + a1 * x1 + a2);
            const REAL h1 = sigmoid(b0 * x0 + b1 * x1 + b2);
            const REAL o = sigmoid(v0 * h0 + v1 * h1 + v2);
            const REAL d = (o - targets[r]) * o * (1 - o);
            const REAL d0 = d * v0 * h0 * (1 - h0);
            const REAL d1 = d * v1 * h1 * (1 - h1);
            ga0 += d0 * x0, ga1 += d0 * x1, ga2 += d0;
            gb0 += d1 * x0, gb1 += d1 * x1, gb2 += d1;
            gv0 += d * h0, gv1 += d * h1, gv2 += d;
        }
        const REAL step = rate * 2 / ROWS; /* the 2 of the square and the mean over the rows */
        block[0][s] = a0 - step * ga0, block[1][s] = a1 - step * ga1, block[2][s] = a2 - step * ga2;
        block[3][s] = b0 - step * gb0, block[4][s] = b1 - step * gb1, block[5][s] = b2 - step * gb2;
        block[6][s] = v0 - step * gv0, block[7][s] = v1 - step * gv1, block[8][s] = v2 - step * gv2;
    }
}

/* Trains every seed in place. The number of seeds is a multiple of BLOCK. */
void train(REAL *parameters, const REAL inputs[ROWS][2], const REAL targets[ROWS], REAL rate, long seeds, long epochs)
{
    static REAL block[PARAMETERS][BLOCK] __attribute__((aligned(64)));
    for (long first = 0; first < seeds; first += BLOCK) {
        for (int k = 0; k < PARAMETERS; k++)
            for (int s = 0; s < BLOCK; s++)
                block[k][s] = parameters[k * seeds + first + s];
        for (long e = 0; e < epochs; e++)
            epoch(block, inputs, targets, rate);
        for (int k = 0; k < PARAMETERS; k++)
            for (int s = 0; s < BLOCK; s++)
                parameters[k * seeds + first + s] = block[k][s];
    }
}

long block_size(void) { return BLOCK; }

//! Weights in the engine's working form, and the two ways to contract them with a vector.

use super::numbers::{Block, Int, LANES, Numbers, blocks};
use super::short::{even as even_lanes, odd as odd_lanes};
use wide::{i16x16, i32x8};

/// Blocks whose sums stay in registers together.
const TILE: usize = 4;

/// A matrix of lines; a line is contiguous and padded with zeros to whole blocks.
///
/// Synapse layer 1 keeps one line per input, so that the lines of zero inputs are never touched and what a sample
/// needs fits the cache. The other layers keep one line per post-synaptic neuron, so that few output neurons
/// waste no lanes.
#[derive(Clone, Debug)]
pub(super) struct Matrix<S> {
    /// Number of lines.
    pub lines: usize,
    /// Blocks per line.
    pub stride: usize,
    /// Lines one after the other.
    pub raw: Vec<Block<S>>,
}

impl<S: Int> Matrix<S> {
    /// Fills a matrix of `lines` lines of `length` values.
    pub(super) fn build(lines: usize, length: usize, value: impl Fn(usize, usize) -> i32) -> Self {
        let stride = length.div_ceil(LANES);
        let mut raw = blocks(lines * stride * LANES);
        for line in 0..lines {
            for i in 0..length {
                raw[line * stride + i / LANES][i % LANES] = S::wrap(i64::from(value(line, i)));
            }
        }
        Matrix { lines, stride, raw }
    }

    /// Line `line`.
    #[inline]
    pub(super) fn line(&self, line: usize) -> &[Block<S>] {
        &self.raw[line * self.stride..][..self.stride]
    }

    /// Line `line`, to be changed.
    #[inline]
    pub(super) fn line_mut(&mut self, line: usize) -> &mut [Block<S>] {
        &mut self.raw[line * self.stride..][..self.stride]
    }

    /// One value.
    #[inline]
    pub(super) fn get(&self, line: usize, i: usize) -> i32 {
        self.raw[line * self.stride + i / LANES][i % LANES].word()
    }
}

/// How weights are read and products summed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Low bits of a stored weight that the multipliers do not see.
    pub dropped: u32,
    /// Products that a partial sum holds.
    pub burst: usize,
}

/// `out[i] += (sum over the listed lines of read(w[line][i]) * activity) << shift`, in loops for any integers.
pub(super) fn combine_any<N: Numbers>(
    m: &Matrix<N::Stored>,
    reading: Reading,
    list: &[(u32, N::Activity)],
    shift: u32,
    out: &mut [Block<N::Sum>],
) {
    for &(line, x) in list {
        let w = m.line(line as usize).as_flattened();
        for (out, &w) in out.as_flattened_mut().iter_mut().zip(w) {
            *out = out.plus(N::Sum::of(N::product(w >> reading.dropped, x)) << shift);
        }
    }
}

/// The same for 16-bit operands, by multiply-add instructions; sums of a tile stay in registers.
pub(super) fn combine_16<S: Int>(
    m: &Matrix<i16>,
    reading: Reading,
    list: &[(u32, i16)],
    shift: u32,
    out: &mut [Block<S>],
) {
    for list in list.chunks(reading.burst) {
        for (t, tile) in out.chunks_mut(TILE).enumerate() {
            TilePart { m, first: t * TILE, list, shift }.combine_any(reading.dropped, tile);
        }
    }
}

/// `out[i] += sum over the listed lines of line[i] * x`, over blocks from `first` on, in loops for any integers.
pub(super) fn contrasts_any<A: Int>(m: &Matrix<A>, first: usize, list: &[(u32, A)], out: &mut [Block<i64>]) {
    for &(line, x) in list {
        let values = m.line(line as usize)[first..].as_flattened();
        for (out, value) in out.as_flattened_mut().iter_mut().zip(values) {
            *out = out.wrapping_add(value.wide() * x.wide());
        }
    }
}

/// The same for 16-bit integers, of whose products 32 bits hold a burst; of one tile at most.
pub(super) fn contrasts_16(
    m: &Matrix<i16>,
    first: usize,
    burst: usize,
    list: &[(u32, i16)],
    out: &mut [Block<i64>],
) {
    for list in list.chunks(burst) {
        TilePart { m, first, list, shift: 0 }.combine_any(0, out);
    }
}

/// What the tiles of one combination share.
struct TilePart<'a> {
    m: &'a Matrix<i16>,
    first: usize,
    list: &'a [(u32, i16)],
    shift: u32,
}

impl TilePart<'_> {
    /// Of as many blocks as there are.
    fn combine_any<S: Int>(&self, dropped: u32, tile: &mut [Block<S>]) {
        match (tile.len(), dropped) {
            (4, 0) => self.combine::<S, 4, false>(0, tile),
            (4, dropped) => self.combine::<S, 4, true>(dropped, tile),
            (3, dropped) => self.combine::<S, 3, true>(dropped, tile),
            (2, dropped) => self.combine::<S, 2, true>(dropped, tile),
            (_, dropped) => self.combine::<S, 1, true>(dropped, tile),
        }
    }

    #[inline]
    fn combine<S: Int, const BLOCKS: usize, const DROP: bool>(&self, dropped: u32, out: &mut [Block<S>]) {
        // A multiply-add sums the products of neighbouring lanes. With a zero beside each activity it gives the
        // products of the even lanes, with the zero on the other side those of the odd ones: no shuffle is needed.
        let mut even = [i32x8::ZERO; BLOCKS];
        let mut odd = [i32x8::ZERO; BLOCKS];
        for &(line, x) in self.list {
            let (x_even, x_odd) = (even_lanes(x), odd_lanes(x));
            let line = &self.m.raw[line as usize * self.m.stride + self.first..][..BLOCKS];
            for b in 0..BLOCKS {
                let mut w = i16x16::new(line[b]);
                if DROP {
                    w = w.unbounded_shr_scalar(dropped);
                }
                even[b] += w.dot(x_even);
                odd[b] += w.dot(x_odd);
            }
        }
        for (out, (even, odd)) in out.iter_mut().zip(even.iter().zip(&odd)) {
            let (even, odd) = (even.to_array(), odd.to_array());
            for (i, (even, odd)) in even.into_iter().zip(odd).enumerate() {
                out[2 * i] = out[2 * i].plus(S::of(even) << self.shift);
                out[2 * i + 1] = out[2 * i + 1].plus(S::of(odd) << self.shift);
            }
        }
    }
}

/// `out[line] += (sum over i of read(w[line][i]) * activity[i]) << shift`, in loops for any integers.
pub(super) fn dots_any<N: Numbers>(
    m: &Matrix<N::Stored>,
    reading: Reading,
    activity: &[Block<N::Activity>],
    shift: u32,
    out: &mut [N::Sum],
) {
    for (line, out) in out.iter_mut().enumerate().take(m.lines) {
        let terms = m.line(line).as_flattened().iter().zip(activity.as_flattened());
        let sum = terms.fold(N::Sum::default(), |sum, (&w, &x)| {
            sum.plus(N::Sum::of(N::product(w >> reading.dropped, x)))
        });
        *out = out.plus(sum << shift);
    }
}

/// The same for 16-bit operands, by multiply-add instructions.
pub(super) fn dots_16<S: Int>(
    m: &Matrix<i16>,
    reading: Reading,
    activity: &[Block<i16>],
    shift: u32,
    out: &mut [S],
) {
    let burst = (reading.burst / LANES).max(1);
    for (line, out) in out.iter_mut().enumerate().take(m.lines) {
        let mut sum = S::default();
        for (w, x) in m.line(line).chunks(burst).zip(activity.chunks(burst)) {
            let mut acc = [i32x8::ZERO; 4];
            let dot = |w: &Block<i16>, x: &Block<i16>| {
                i16x16::new(*w).unbounded_shr_scalar(reading.dropped).dot(i16x16::new(*x))
            };
            let ((w4, w1), (x4, x1)) = (w.as_chunks::<4>(), x.as_chunks::<4>());
            for (w, x) in w4.iter().zip(x4) {
                for i in 0..4 {
                    acc[i] += dot(&w[i], &x[i]);
                }
            }
            for (w, x) in w1.iter().zip(x1) {
                acc[0] += dot(w, x);
            }
            let part = (acc[0] + acc[1]) + (acc[2] + acc[3]);
            sum = sum.plus(S::of(part.reduce_add()));
        }
        *out = out.plus(sum << shift);
    }
}

/// `out[line][row] += (sum over i of read(w[row][i]) * x[line][i]) << shift`, in loops for any integers.
pub(super) fn dots_of_lines_any<N: Numbers>(
    m: &Matrix<N::Stored>,
    reading: Reading,
    x: &Matrix<N::Activity>,
    shift: u32,
    out: &mut [N::Sum],
) {
    for (line, out) in out.chunks_mut(m.lines).enumerate() {
        dots_any::<N>(m, reading, x.line(line), shift, out);
    }
}

/// The same for 16-bit operands: what is loaded of some rows and some lines is multiplied with one another.
pub(super) fn dots_of_lines_16<S: Int>(
    m: &Matrix<i16>,
    reading: Reading,
    x: &Matrix<i16>,
    shift: u32,
    out: &mut [S],
) {
    let rows = m.lines;
    let tile = Tile { m, x, reading, shift };
    for (at, out) in out.chunks_mut(Tile::LINES * rows).enumerate() {
        let line = at * Tile::LINES;
        if out.len() == Tile::LINES * rows {
            for row in (0..rows - rows % Tile::ROWS).step_by(Tile::ROWS) {
                tile.dots::<S, { Tile::ROWS }, { Tile::LINES }>(row, line, out);
            }
            for row in rows - rows % Tile::ROWS..rows {
                tile.dots::<S, 1, { Tile::LINES }>(row, line, out);
            }
        } else {
            for (line, out) in (line..).zip(out.chunks_mut(rows)) {
                dots_16(m, reading, x.line(line), shift, out);
            }
        }
    }
}

/// What the tiles of a product of two matrices share.
pub(super) struct Tile<'a> {
    m: &'a Matrix<i16>,
    x: &'a Matrix<i16>,
    reading: Reading,
    shift: u32,
}

impl Tile<'_> {
    /// Rows of a tile.
    const ROWS: usize = 2;
    /// Lines of a tile: with its rows, as many sums as registers hold beside the operands.
    pub(super) const LINES: usize = 4;

    #[inline]
    fn dots<S: Int, const ROWS: usize, const LINES: usize>(&self, row: usize, line: usize, out: &mut [S]) {
        let burst = (self.reading.burst / LANES).max(1);
        for first in (0..self.m.stride).step_by(burst) {
            let blocks = burst.min(self.m.stride - first);
            let w: [&[Block<i16>]; ROWS] = std::array::from_fn(|i| &self.m.line(row + i)[first..][..blocks]);
            let x: [&[Block<i16>]; LINES] =
                std::array::from_fn(|i| &self.x.line(line + i)[first..][..blocks]);
            let mut sums = [[i32x8::ZERO; LINES]; ROWS];
            for at in 0..blocks {
                let w = w.map(|w| i16x16::new(w[at]).unbounded_shr_scalar(self.reading.dropped));
                for i in 0..LINES {
                    let x = i16x16::new(x[i][at]);
                    for r in 0..ROWS {
                        sums[r][i] += w[r].dot(x);
                    }
                }
            }
            for (r, sums) in sums.iter().enumerate() {
                for (i, sum) in sums.iter().enumerate() {
                    let out = &mut out[i * self.m.lines + row + r];
                    *out = out.plus(S::of(sum.reduce_add()) << self.shift);
                }
            }
        }
    }
}

//! Synapses that kernels share, as products of matrices: a *patch*, what the taps see from one position, is a line.
//!
//! Patches are copied together, [`Run`](crate::network::Run) by run; what lies in the padding is zero. Activities above
//! are mostly zero where they are placed on a map (three of four under a pool), so the products that they take part in
//! are formed for those alone that are not.

use super::matrix::{Matrix, Reading, Tile};
use super::numbers::{Block, Int, LANES, Numbers, blocks, burst_of};
use super::update::{Keys, learn_by_sums};
use super::{Activities, Seen, Synapses};
use crate::design::Design;
use crate::fixed_point::lane_bits;
use crate::network::Connection;
use crate::reference::counters::LayerCounters;

/// Blocks of taps whose contrasts are formed together: with every patch's they fit a cache.
const TAPS_TOGETHER: usize = 4;

/// What the work needs room for; the same for every pass.
#[derive(Clone, Debug)]
pub(super) struct Room<N: Numbers> {
    /// Patches of a few positions.
    few: Matrix<N::Activity>,
    /// Patches of all positions: of the first terms of contrasts, then of the subtracted ones.
    all: Matrix<N::Activity>,
    /// A sum for each neuron of the map.
    sums: Vec<N::Sum>,
    /// A sum for each tap.
    taps: Vec<Block<N::Sum>>,
    /// Rows or lines that are not zero.
    list: Vec<(u32, N::Activity)>,
    /// The lines that each row's contrasts are made of.
    lists: Vec<Vec<(u32, N::Activity)>>,
    contrasts: Vec<Block<i64>>,
    /// Products of two activities that 32 bits are sure to hold.
    burst: usize,
}

impl<N: Numbers> Room<N> {
    /// For one connection.
    pub fn of(design: &Design, c: &Connection) -> Room<N> {
        let width = design.datapath.activity_width;
        Room {
            few: Matrix::build(Tile::LINES, c.taps(), |_, _| 0),
            all: Matrix::build(2 * c.positions(), c.taps(), |_, _| 0),
            sums: vec![N::Sum::default(); c.map().neurons()],
            taps: blocks(c.taps()),
            list: Vec::new(),
            lists: vec![Vec::new(); c.rows()],
            contrasts: vec![[0; LANES]; TAPS_TOGETHER],
            burst: burst_of(width, width),
        }
    }
}

/// What the taps see from a position.
fn gather<A: Int>(c: &Connection, position: usize, pre: &[A], patch: &mut [Block<A>]) {
    let patch = patch.as_flattened_mut();
    patch.fill(A::default());
    for run in c.runs(position) {
        patch[run.tap..][..run.len].copy_from_slice(&pre[run.pre..][..run.len]);
    }
}

/// What drives a layer from below, pooled: biases and `sum over taps of read(w) * pre`, shifted. Also the corners that the
/// pool has chosen.
pub(super) fn forward<N: Numbers>(
    s: &mut Synapses<N>,
    reading: Reading,
    pre: &[N::Activity],
    totals: &mut [N::Sum],
    corners: &mut [u8],
) {
    let Some(room) = &mut s.room else { return };
    let (c, rows) = (&s.connection, s.connection.rows());
    let biases = &s.bias.line(0).as_flattened()[..rows];
    for (few, sums) in room.sums.chunks_mut(Tile::LINES * rows).enumerate() {
        for (line, sums) in sums.chunks_mut(rows).enumerate() {
            gather(c, few * Tile::LINES + line, pre, room.few.line_mut(line));
            for (sum, bias) in sums.iter_mut().zip(biases) {
                *sum = N::Sum::wrap(bias.wide() >> reading.dropped) << s.bias_shift;
            }
        }
        N::dots_of_lines(&s.weights, reading, &room.few, s.weight_shift, sums);
    }
    let (pooled, chosen) = c.pooled(&room.sums, N::Sum::plus);
    totals[..pooled.len()].copy_from_slice(&pooled);
    corners.copy_from_slice(&chosen);
}

/// `totals[pre] += sum over uses of read(w) * post`, shifted; of a layer as it is placed on the map. Returns how many
/// products of a zero were left out.
pub(super) fn transposed<N: Numbers>(
    s: &mut Synapses<N>,
    reading: Reading,
    above: &Seen<N::Activity>,
    totals: &mut [N::Sum],
) -> usize {
    let Some(room) = &mut s.room else { return 0 };
    let c = &s.connection;
    let post = placed(c, above);
    let way_back = s.backward.as_ref().unwrap_or(&s.weights);
    let mut zeros = 0;
    for (position, post) in post.chunks(c.rows()).enumerate() {
        room.list.clear();
        room.list
            .extend((0..).zip(post).filter(|(_, x)| **x != N::Activity::default()).map(|(r, &x)| (r, x)));
        zeros += c.rows() - room.list.len();
        if room.list.is_empty() {
            continue;
        }
        room.taps.as_flattened_mut().fill(N::Sum::default());
        N::combine(way_back, reading, &room.list, s.weight_shift, &mut room.taps);
        let taps = room.taps.as_flattened();
        for run in c.runs(position) {
            for (total, &sum) in totals[run.pre..].iter_mut().zip(&taps[run.tap..][..run.len]) {
                *total = total.plus(sum);
            }
        }
    }
    zeros * c.taps()
}

/// The activities of a layer on the map of the synapses below it.
fn placed<A: Int>(c: &Connection, above: &Seen<A>) -> Vec<A> {
    c.placed(&above.activities.as_flattened()[..c.above().neurons()], &above.corners)
}

/// Activities of the layers above (placed on the map) and below at one moment of a contrast.
pub(super) struct Term<'a, A> {
    post: Vec<A>,
    pre: &'a [A],
}

impl<'a, A: Int> Term<'a, A> {
    /// Of synapse layer `l` (from 0) between activities of layers 1 to L; the input's are `clamped`.
    pub fn of<N: Numbers<Activity = A>>(
        (l, connection): (usize, &Connection),
        post: &Activities<N>,
        pre: &'a Activities<N>,
        clamped: &'a [A],
    ) -> Term<'a, A> {
        let pre = if l == 0 { clamped } else { pre[l - 1].activities.as_flattened() };
        Term { post: placed(connection, &post[l]), pre }
    }
}

impl<N: Numbers> Room<N> {
    /// Patches and lists of a contrast `a_post a_pre - b_post b_pre`: of the row, the lines that it is made of, and how
    /// often each counts. Returns how many products of a zero were left out.
    fn take(&mut self, c: &Connection, terms: &[Term<'_, N::Activity>; 2]) -> usize {
        let (positions, rows) = (c.positions(), c.rows());
        self.lists.iter_mut().for_each(Vec::clear);
        for (term, first) in terms.iter().zip([0, positions]) {
            for (position, post) in term.post.chunks(rows).enumerate() {
                let line = first + position;
                if post.iter().any(|x| *x != N::Activity::default()) {
                    gather(c, position, term.pre, self.all.line_mut(line));
                }
                for (list, &x) in self.lists.iter_mut().zip(post) {
                    let count = if first == 0 { x.wide() } else { -x.wide() };
                    let narrow = N::Activity::wrap(count);
                    if narrow.wide() == count {
                        list.extend((count != 0).then_some((line as u32, narrow)));
                    } else {
                        // The one number whose negative is too wide.
                        list.extend([(line as u32, N::Activity::wrap(count / 2)); 2]);
                    }
                }
            }
        }
        let listed: usize = self.lists.iter().map(Vec::len).sum();
        (positions * rows).saturating_sub(listed) * c.taps()
    }

    /// For every row and so many blocks of taps: what is to be done with their contrasts, summed over the positions. Rows
    /// without a contrast are passed by where they `rest`.
    fn each(&mut self, rests: bool, mut visit: impl FnMut(usize, usize, &[i64])) {
        for first in (0..self.all.stride).step_by(TAPS_TOGETHER) {
            let together = TAPS_TOGETHER.min(self.all.stride - first);
            for (row, list) in self.lists.iter().enumerate() {
                if rests && list.is_empty() {
                    continue;
                }
                let contrasts = &mut self.contrasts[..together];
                contrasts.fill([0; LANES]);
                N::contrasts(&self.all, first, self.burst, list, contrasts);
                visit(row, first, contrasts.as_flattened());
            }
        }
    }
}

/// What a row's bias sees of a contrast: `one` in place of the pre-synaptic activity.
fn bias_contrast<A: Int>(list: &[(u32, A)], one: i64) -> i64 {
    one * list.iter().map(|(_, x)| x.wide()).sum::<i64>()
}

/// Every weight of one way learns, and every bias with those of the way forward. Returns how many products
/// of a zero were left out.
pub(super) fn learn<N: Numbers>(
    s: &mut Synapses<N>,
    terms: &[Term<'_, N::Activity>; 2],
    back: bool,
    one: i64,
    keys: Keys<'_>,
    mut count: Option<&mut LayerCounters>,
) -> usize {
    let (c, Some(room)) = (s.connection, &mut s.room) else { return 0 };
    let zeros = room.take(&c, terms);
    let matrix = if back { s.backward.as_mut() } else { Some(&mut s.weights) };
    let Some(matrix) = matrix else { return 0 };
    let rests = s.rule.rests() && count.is_none();
    let stride = matrix.stride;
    let rule = s.rule;
    room.each(rests, |row, first, contrasts| {
        let taps = (c.taps() - first * LANES).min(contrasts.len());
        let weights = &mut matrix.raw[row * stride + first..].as_flattened_mut()[..taps];
        let keys = Keys(&keys.0[first * LANES..]);
        learn_by_sums(&rule, weights, &contrasts[..taps], (keys, row as u32), count.as_deref_mut());
    });
    if !back {
        let key = keys.0[c.taps()];
        let biases = s.bias.line_mut(0).as_flattened_mut();
        for (row, (bias, list)) in biases.iter_mut().zip(&room.lists).enumerate() {
            let random = lane_bits(key, row as u32);
            s.bias_rule.apply(bias, bias_contrast(list, one), random, count.as_deref_mut());
        }
    }
    zeros
}

/// Every weight and bias adds its contrast up. Returns how many products of a zero were left out.
pub(super) fn add_up<N: Numbers>(s: &mut Synapses<N>, terms: &[Term<'_, N::Activity>; 2], one: i64) -> usize {
    let (c, Some(room), Some((weights, biases))) = (s.connection, &mut s.room, &mut s.sums) else { return 0 };
    let zeros = room.take(&c, terms);
    let add = |sum: &mut N::Sum, contrast: i64| *sum = sum.plus(N::Sum::wrap(contrast));
    for (sum, list) in biases.line_mut(0).as_flattened_mut().iter_mut().zip(&room.lists) {
        add(sum, bias_contrast(list, one));
    }
    room.each(true, |row, first, contrasts| {
        let sums = weights.raw[row * weights.stride + first..].as_flattened_mut();
        sums.iter_mut().zip(contrasts).for_each(|(sum, &contrast)| add(sum, contrast));
    });
    zeros
}

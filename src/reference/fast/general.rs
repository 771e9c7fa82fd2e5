//! Synapses of any kind, one by one as their [`Connection`] tells: what a kind has that has no kernels of its own.

use super::matrix::{Matrix, Reading};
use super::numbers::{Block, Int, LANES, Numbers};
use super::{Activities, Seen, Synapses};
use crate::fixed_point::lane_bits;
use crate::network::Connection;
use crate::reference::counters::LayerCounters;

/// What drives a layer from below, pooled: biases and `sum over taps of read(w) * pre`, shifted. Also the corners that the
/// pool has chosen.
pub(super) fn forward<N: Numbers>(
    s: &Synapses<N>,
    reading: Reading,
    pre: &[N::Activity],
    totals: &mut [N::Sum],
    corners: &mut [u8],
) {
    let mut sums = biases(s, reading);
    each_synapse(&s.connection, |post, pre_number, row, tap| {
        sums[post] =
            sums[post].plus(product::<N>(&s.weights, reading, (row, tap), pre[pre_number]) << s.weight_shift);
    });
    let (pooled, chosen) = s.connection.pooled(&sums, N::Sum::plus);
    totals[..pooled.len()].copy_from_slice(&pooled);
    corners.copy_from_slice(&chosen);
}

/// `totals[pre] += sum over uses of read(w) * post`, shifted; of a layer as it is placed on the map.
pub(super) fn transposed<N: Numbers>(
    s: &Synapses<N>,
    reading: Reading,
    above: &Seen<N::Activity>,
    totals: &mut [N::Sum],
) {
    let post = placed(&s.connection, above);
    let way_back = s.backward.as_ref().unwrap_or(&s.weights);
    each_synapse(&s.connection, |post_number, pre, row, tap| {
        totals[pre] = totals[pre]
            .plus(product::<N>(way_back, reading, (row, tap), post[post_number]) << s.weight_shift);
    });
}

fn product<N: Numbers>(
    w: &Matrix<N::Stored>,
    reading: Reading,
    (row, tap): (usize, usize),
    x: N::Activity,
) -> N::Sum {
    let stored = w.raw[row * w.stride + tap / LANES][tap % LANES];
    N::Sum::of(N::product(stored >> reading.dropped, x))
}

/// Every use of every weight: place of the map, pre-synaptic neuron, row, tap.
fn each_synapse(c: &Connection, mut visit: impl FnMut(usize, usize, usize, usize)) {
    for position in 0..c.positions() {
        for tap in 0..c.taps() {
            let Some(pre) = c.pre(position, tap) else { continue };
            for row in 0..c.rows() {
                visit(c.post(position, row), pre, row, tap);
            }
        }
    }
}

/// The activities of a layer on the map of the synapses below it.
fn placed<A: Int>(c: &Connection, above: &Seen<A>) -> Vec<A> {
    c.placed(above.activities.as_flattened(), &above.corners)
}

/// The biases, as read, of every place of the map.
fn biases<N: Numbers>(s: &Synapses<N>, reading: Reading) -> Vec<N::Sum> {
    let of = |row| N::Sum::wrap(i64::from(s.bias.get(0, row)) >> reading.dropped) << s.bias_shift;
    (0..s.connection.map().neurons()).map(|post| of(post % s.connection.rows())).collect()
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

/// `a_post a_pre - b_post b_pre`, summed over the positions at which a weight is used; of a bias (`tap` behind the last)
/// with `one` in place of the pre-synaptic activity.
pub(super) fn contrast<A: Int>(
    c: &Connection,
    [a, b]: &[Term<'_, A>; 2],
    (row, tap): (usize, usize),
    one: i64,
) -> i64 {
    let at = |position: usize| {
        let post = c.post(position, row);
        let (pre_a, pre_b) = match c.pre(position, tap) {
            _ if tap == c.taps() => (one, one),
            Some(pre) => (a.pre[pre].wide(), b.pre[pre].wide()),
            None => return 0,
        };
        a.post[post].wide() * pre_a - b.post[post].wide() * pre_b
    };
    (0..c.positions()).map(at).sum()
}

/// Every weight learns, and every bias where `biases` is set; `key` is a tap's.
pub(super) fn learn<N: Numbers>(
    s: &mut Synapses<N>,
    terms: &[Term<'_, N::Activity>; 2],
    back: bool,
    one: i64,
    key: impl Fn(usize) -> u32,
    mut count: Option<&mut LayerCounters>,
) {
    let c = s.connection;
    for tap in 0..c.taps() + usize::from(!back) {
        let is_bias = tap == c.taps();
        for row in 0..c.rows() {
            let (rule, weight) = if is_bias {
                (&s.bias_rule, &mut s.bias.raw[row / LANES][row % LANES])
            } else {
                let matrix = if back { s.backward.as_mut() } else { Some(&mut s.weights) };
                let Some(matrix) = matrix else { return };
                (&s.rule, &mut matrix.raw[row * matrix.stride + tap / LANES][tap % LANES])
            };
            let random = lane_bits(key(tap), row as u32);
            rule.apply(weight, contrast(&c, terms, (row, tap), one), random, count.as_deref_mut());
        }
    }
}

/// Every weight and bias adds its contrast up.
pub(super) fn add_up<N: Numbers>(s: &mut Synapses<N>, terms: &[Term<'_, N::Activity>; 2], one: i64) {
    let c = s.connection;
    let Some((weights, biases)) = &mut s.sums else { return };
    let add = |sum: &mut i32, contrast: i64| *sum = sum.wrapping_add(contrast as i32);
    for row in 0..c.rows() {
        add(&mut biases.raw[row / LANES][row % LANES], contrast(&c, terms, (row, c.taps()), one));
        for tap in 0..c.taps() {
            let at: &mut Block<i32> = &mut weights.raw[row * weights.stride + tap / LANES];
            add(&mut at[tap % LANES], contrast(&c, terms, (row, tap), one));
        }
    }
}

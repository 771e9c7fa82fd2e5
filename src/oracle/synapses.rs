//! Sums over the synapses of a layer in real numbers: forwards, backwards, and the products that weights learn from.
//!
//! `lines` are weights as [`LayerParameters`](super::LayerParameters) keeps them: a line a tap, a weight a row. A *map* has
//! one value for each row at each position.

use crate::network::Connection;

/// `line += factor * other`.
pub(super) fn add_scaled(line: &mut [f64], factor: f64, other: &[f64]) {
    for (l, o) in line.iter_mut().zip(other) {
        *l += factor * o;
    }
}

/// Lines taken at once.
const AT_ONCE: usize = 4;

/// `sum += factors_j * line_j` over all `lines`, which are as long as `sum`.
fn add_lines(sum: &mut [f64], lines: &[f64], factors: &[f64]) {
    let n = sum.len();
    let (fours, rest) = factors.as_chunks::<AT_ONCE>();
    for (f, lines) in fours.iter().zip(lines.chunks_exact(AT_ONCE * n)) {
        let (a, bcd) = lines.split_at(n);
        let (b, cd) = bcd.split_at(n);
        let (c, d) = cd.split_at(n);
        for i in 0..n {
            sum[i] += f[0] * a[i] + f[1] * b[i] + f[2] * c[i] + f[3] * d[i];
        }
    }
    for (&f, line) in rest.iter().zip(lines[fours.len() * AT_ONCE * n..].chunks_exact(n)) {
        add_scaled(sum, f, line);
    }
}

/// `sums_j += line_j . vector` over all `lines`, which are as long as `vector`.
///
/// From the last to the first: what [`add_lines`] has just read is still in the cache, and it finds there what this
/// leaves.
fn add_dots(sums: &mut [f64], lines: &[f64], vector: &[f64]) {
    for (sum, line) in sums.iter_mut().zip(lines.chunks_exact(vector.len())).rev() {
        *sum += dot(line, vector);
    }
}

/// Sum of products, in as many strands as keep the vector units busy.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (wide, a, b) = strands::<16>(a, b);
    let (narrow, a, b) = strands::<4>(a, b);
    wide + narrow + a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>()
}

/// Sum of products of whole groups of `N`, each place in the group by itself, and what is left of the factors.
fn strands<'a, const N: usize>(a: &'a [f64], b: &'a [f64]) -> (f64, &'a [f64], &'a [f64]) {
    let ((a, a_left), (b, b_left)) = (a.as_chunks::<N>(), b.as_chunks::<N>());
    let mut strands = [0.0; N];
    for (x, y) in a.iter().zip(b) {
        for k in 0..N {
            strands[k] += x[k] * y[k];
        }
    }
    (strands.iter().sum(), a_left, b_left)
}

/// What the taps of a row see from a position: 0 in the padding.
fn patch<'a>(c: &Connection, position: usize, pre: &'a [f64], room: &'a mut [f64]) -> &'a [f64] {
    let mut runs = c.runs(position);
    match runs.next() {
        Some(all) if all.len == c.taps() => return &pre[all.pre..][..all.len],
        first => {
            room.fill(0.0);
            for run in first.into_iter().chain(runs) {
                room[run.tap..][..run.len].copy_from_slice(&pre[run.pre..][..run.len]);
            }
        }
    }
    room
}

/// `map += W pre` at every position.
pub(super) fn forward(c: &Connection, lines: &[f64], pre: &[f64], map: &mut [f64]) {
    let mut room = vec![0.0; c.taps()];
    for (position, sums) in map.chunks_exact_mut(c.rows()).enumerate() {
        add_lines(sums, lines, patch(c, position, pre, &mut room));
    }
}

/// As [`forward`], where many of `pre` are zero.
pub(super) fn forward_sparse(c: &Connection, lines: &[f64], pre: &[f64], map: &mut [f64]) {
    let mut room = vec![0.0; c.taps()];
    for (position, sums) in map.chunks_exact_mut(c.rows()).enumerate() {
        let seen = patch(c, position, pre, &mut room);
        for (line, &x) in lines.chunks_exact(c.rows()).zip(seen).filter(|(_, x)| **x != 0.0) {
            add_scaled(sums, x, line);
        }
    }
}

/// `below += W^T map`.
pub(super) fn back(c: &Connection, lines: &[f64], map: &[f64], below: &mut [f64]) {
    let mut room = vec![0.0; c.taps()];
    for (position, post) in map.chunks_exact(c.rows()).enumerate() {
        let mut runs = c.runs(position);
        let first = runs.next();
        if let Some(all) = first.filter(|run| run.len == c.taps()) {
            add_dots(&mut below[all.pre..][..all.len], lines, post);
            continue;
        }
        if post.iter().all(|&p| p == 0.0) {
            continue;
        }
        room.fill(0.0);
        add_dots(&mut room, lines, post);
        for run in first.into_iter().chain(runs) {
            add_scaled(&mut below[run.pre..][..run.len], 1.0, &room[run.tap..][..run.len]);
        }
    }
}

/// `lines += factor * map pre^T`, summed over all positions.
pub(super) fn add_products(c: &Connection, lines: &mut [f64], factor: f64, map: &[f64], pre: &[f64]) {
    let mut room = vec![0.0; c.taps()];
    for (position, post) in map.chunks_exact(c.rows()).enumerate() {
        if post.iter().all(|&p| p == 0.0) {
            continue;
        }
        let seen = patch(c, position, pre, &mut room);
        for (line, &a) in lines.chunks_exact_mut(c.rows()).zip(seen).filter(|(_, a)| **a != 0.0) {
            add_scaled(line, factor * a, post);
        }
    }
}

/// `bias += factor * map`, summed over all positions.
pub(super) fn add_biases(c: &Connection, bias: &mut [f64], factor: f64, map: &[f64]) {
    for post in map.chunks_exact(c.rows()) {
        add_scaled(bias, factor, post);
    }
}

/// A mean is left as the sum of four, and shown whole at each of them: a quarter counts.
fn shared(c: &Connection, mut values: Vec<f64>) -> Vec<f64> {
    if c.pool().frac() > 0 {
        let share = (-f64::from(c.pool().frac())).exp2();
        values.iter_mut().for_each(|v| *v *= share);
    }
    values
}

/// A map becomes the layer above; also the corners that the pool has chosen.
pub(super) fn pooled(c: &Connection, map: &[f64]) -> (Vec<f64>, Vec<u8>) {
    let (totals, corners) = c.pooled(map, |a, b| a + b);
    (shared(c, totals), corners)
}

/// What neurons show to the map.
pub(super) fn placed(c: &Connection, neurons: &[f64], corners: &[u8]) -> Vec<f64> {
    shared(c, c.placed(neurons, corners))
}

/// What neurons see of a map: the transpose of [`placed`].
pub(super) fn picked(c: &Connection, map: &[f64], corners: &[u8]) -> Vec<f64> {
    shared(c, c.picked(map, corners, |a, b| a + b))
}

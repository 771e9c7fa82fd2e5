//! One pass over the synapses: they learn, or add up what a batch will learn.

use super::kernels;
use super::matrix::Matrix;
use super::numbers::{Block, Int, LANES, Numbers};
use super::relax::set_base;
use super::short::Forward;
use super::update::{self, Keys, Pair};
use super::{Activities, Engine, Synapses};
use crate::fixed_point::{Purpose, lane_bits, step_key};
use crate::reference::counters::{Counters, LayerCounters};
use crate::reference::weights::column_keys;
use crate::rules::{Contrast, StateRef, Update, is_negative};

/// One term of a contrast: post-synaptic activities, pre-synaptic activities.
type Term<'a, N> = (&'a Activities<N>, &'a Activities<N>);

impl<N: Numbers> Engine<'_, N> {
    /// One pass over the synapses of every active column; `drives_follow` when a time step comes next, whose first
    /// products can be taken on the way.
    pub(super) fn learn(&mut self, update: Update, drives_follow: bool, mut count: Option<&mut Counters>) {
        let drives_valid = std::mem::replace(&mut self.base_valid, false);
        let key = step_key(self.design.seed, Purpose::Weight, self.sample, self.step);
        let of = |r| match r {
            StateRef::Now => &self.now,
            StateRef::Previous => &self.previous,
            StateRef::Slot(k) => &self.slots[k].activities,
        };
        // The contrast with its terms exchanged is the contrast times minus one, to the bit.
        let negative = update.coefficient.is_negative(is_negative(self.design.seed, self.sample));
        let operands = |c: Contrast| {
            let (a, b) = ((of(c.post_a), of(c.pre_a)), (of(c.post_b), of(c.pre_b)));
            if negative { [b, a] } else { [a, b] }
        };
        let [(a, pre_a), (b, pre_b)] = operands(update.forward);
        let one = 1i64 << self.design.datapath.activity_frac;
        let greatest_input = self.inputs.iter().map(|(_, x)| x.wide().abs()).max().unwrap_or(0);
        for (l, s) in self.synapses.iter_mut().enumerate() {
            let (n_pre, n_post) = (self.network.neurons(l), self.network.neurons(l + 1));
            let connection = s.connection;
            let layer_key = column_keys(&connection, key, l + 1);
            let mut count = count.as_deref_mut().map(|c| &mut c.layers[l]);
            if !s.is_dense() {
                let taps = connection.taps();
                let keys = &mut self.column_keys.as_flattened_mut()[..=taps];
                keys.iter_mut().enumerate().for_each(|(tap, key)| *key = layer_key(tap));
                let ways =
                    [Some((false, update.forward)), s.backward.is_some().then_some((true, update.backward))];
                for (back, contrast) in ways.into_iter().flatten() {
                    let terms = operands(contrast).map(|(post, pre)| {
                        kernels::Term::of::<N>((l, &connection), post, pre, &self.clamped)
                    });
                    let zeros = kernels::learn(s, &terms, back, one, Keys(keys), count.as_deref_mut());
                    self.work.update += connection.products() as u64;
                    self.work.unchanged += zeros as u64;
                }
                continue;
            }
            self.differences.take(&s.bias_rule, &a[l].activities, &b[l].activities, one);
            let bias_key = layer_key(n_pre);
            update::learn_by_difference(
                &s.bias_rule,
                s.bias.line_mut(0),
                &self.differences,
                one,
                bias_key,
                n_post,
                count.as_deref_mut(),
            );
            if l == 0 {
                self.differences.take(&s.rule, &a[0].activities, &b[0].activities, greatest_input);
                let form = self.short.filter(|_| count.is_none() && self.inputs.len() <= self.reading.burst);
                // Where no weight changes, the input's drive stays as it is.
                let drives_follow = drives_follow && drives_valid;
                let lines = self.inputs.len();
                let spared = |visited: usize| (lines * n_post.saturating_sub(visited * LANES)) as u64;
                let visited = match (form, N::short(&mut s.weights, &self.inputs)) {
                    (Some(form), Some((matrix, inputs))) => {
                        let lines = inputs.iter().map(|&(j, x)| (j, x, layer_key(j as usize)));
                        let forward = drives_follow.then_some(Forward {
                            dropped: self.reading.dropped,
                            shift: s.weight_shift,
                            out: &mut self.input_drive,
                        });
                        let visited =
                            self.pass.run(&form, &s.rule, matrix, lines, &self.differences, forward);
                        if drives_follow {
                            set_base(s, self.reading, &self.input_drive, &mut self.base);
                            self.base_valid = true;
                            self.work.forward += (self.inputs.len() * n_post) as u64;
                            self.work.unchanged += spared(visited);
                        }
                        visited
                    }
                    _ => {
                        for &(j, x) in &self.inputs {
                            let (line, key) = (s.weights.line_mut(j as usize), layer_key(j as usize));
                            let count = count.as_deref_mut();
                            update::learn_by_difference(
                                &s.rule,
                                line,
                                &self.differences,
                                x.wide(),
                                key,
                                n_post,
                                count,
                            );
                        }
                        self.differences.live_blocks()
                    }
                };
                self.work.update += (self.inputs.len() * n_post) as u64;
                self.work.unchanged += spared(visited);
            } else {
                for (j, key) in self.column_keys.as_flattened_mut()[..n_pre].iter_mut().enumerate() {
                    *key = layer_key(j);
                }
                let keys = &self.column_keys[..];
                let mut visit = |weights: &mut Matrix<N::Stored>,
                                 contrast: [Term<'_, N>; 2],
                                 mut count: Option<&mut LayerCounters>| {
                    let [(a, pre_a), (b, pre_b)] = contrast;
                    for k in 0..n_post {
                        let (at, lane) = (k / LANES, k % LANES);
                        let post = Pair { a: a[l].activities[at][lane], b: b[l].activities[at][lane] };
                        let still = post.a == N::Activity::default() && post.b == N::Activity::default();
                        self.work.update += n_pre as u64;
                        if still && s.rule.rests() && count.is_none() {
                            self.work.unchanged += n_pre as u64;
                            continue;
                        }
                        let pre = (&pre_a[l - 1].activities[..], &pre_b[l - 1].activities[..]);
                        update::learn_by_contrast(
                            &s.rule,
                            weights.line_mut(k),
                            pre,
                            post,
                            (keys, k as u32),
                            n_pre,
                            count.as_deref_mut(),
                        );
                    }
                };
                visit(&mut s.weights, [(a, pre_a), (b, pre_b)], count.as_deref_mut());
                if let Some(way_back) = &mut s.backward {
                    visit(way_back, operands(update.backward), count);
                }
            }
        }
    }

    /// One pass over the synapses of every active column that only adds up their contrasts.
    pub(super) fn add_up(&mut self, update: Update) {
        let of = |r| match r {
            StateRef::Now => &self.now,
            StateRef::Previous => &self.previous,
            StateRef::Slot(k) => &self.slots[k].activities,
        };
        let c = update.forward;
        let terms = ((of(c.post_a), of(c.pre_a)), (of(c.post_b), of(c.pre_b)));
        let negative = update.coefficient.is_negative(is_negative(self.design.seed, self.sample));
        let ((a, pre_a), (b, pre_b)) = if negative { (terms.1, terms.0) } else { terms };
        let one = 1 << self.design.datapath.activity_frac;
        for (l, s) in self.synapses.iter_mut().enumerate() {
            if !s.is_dense() {
                let connection = s.connection;
                let terms = [(a, pre_a), (b, pre_b)]
                    .map(|(post, pre)| kernels::Term::of::<N>((l, &connection), post, pre, &self.clamped));
                let zeros = kernels::add_up(s, &terms, one);
                self.work.update += connection.products() as u64;
                self.work.unchanged += zeros as u64;
                continue;
            }
            let Some((weights, bias)) = &mut s.sums else { continue };
            let (n_pre, n_post) = (self.network.neurons(l), self.network.neurons(l + 1));
            let (a, b) = (a[l].activities.as_flattened(), b[l].activities.as_flattened());
            // The sums are proven to fit: whatever is beyond their bits comes to nothing.
            let add = |line: &mut [Block<N::Sum>], x: i64| {
                for (sum, (a, b)) in line.as_flattened_mut().iter_mut().zip(a.iter().zip(b)) {
                    *sum = sum.plus(N::Sum::wrap((a.wide() - b.wide()).wrapping_mul(x)));
                }
            };
            add(bias.line_mut(0), one);
            if l == 0 {
                for &(j, x) in &self.inputs {
                    add(weights.line_mut(j as usize), x.wide());
                }
                self.work.update += (self.inputs.len() * n_post) as u64;
                continue;
            }
            let pre =
                pre_a[l - 1].activities.as_flattened().iter().zip(pre_b[l - 1].activities.as_flattened());
            for k in 0..n_post {
                let (post_a, post_b) = (a[k].wide(), b[k].wide());
                for (sum, (a, b)) in weights.line_mut(k).as_flattened_mut().iter_mut().zip(pre.clone()) {
                    let (a, b) = (post_a.wrapping_mul(a.wide()), post_b.wrapping_mul(b.wide()));
                    *sum = sum.plus(N::Sum::wrap(a.wrapping_sub(b)));
                }
            }
            self.work.update += (n_pre * n_post) as u64;
        }
    }

    /// One pass over all synapses: they take what has been added up.
    pub(super) fn apply(&mut self, mut count: Option<&mut Counters>) {
        self.base_valid = false;
        let key = |purpose| step_key(self.design.seed, purpose, self.sample, self.step);
        let keys = (key(Purpose::Weight), key(Purpose::Velocity));
        for (l, s) in (1..).zip(&mut self.synapses) {
            self.work.update += s.apply(l, keys, count.as_deref_mut().map(|c| &mut c.layers[l - 1]));
        }
    }
}

impl<N: Numbers> Synapses<N> {
    /// The weights of synapse layer `l` take what has been added up, or the velocities do, and the weights follow them; by
    /// keys of their random bits, of weights and of velocities. Returns how many.
    fn apply(&mut self, l: usize, keys: (u32, u32), mut count: Option<&mut LayerCounters>) -> u64 {
        let Some((sums, bias_sums)) = &mut self.sums else { return 0 };
        let (c, lines) = (self.connection, self.lines);
        let (keys, velocity_keys) = (column_keys(&c, keys.0, l), column_keys(&c, keys.1, l));
        for tap in 0..=c.taps() {
            let (key, velocity_key) = (keys(tap), velocity_keys(tap));
            let is_bias = tap == c.taps();
            let (rule, weights, sums) = match is_bias {
                true => (&self.bias_rule, &mut self.bias, &mut *bias_sums),
                false => (&self.rule, &mut self.weights, &mut *sums),
            };
            let velocities = self.velocities.as_mut();
            let mut velocities = velocities.map(|(weights, biases)| if is_bias { biases } else { weights });
            let mut way_back = self.backward.as_mut().filter(|_| !is_bias);
            for row in 0..c.rows() {
                let (line, i) = lines.place(&c, row, tap);
                let (at, lane) = (line * sums.stride + i / LANES, i % LANES);
                let sum = std::mem::take(&mut sums.raw[at][lane]).wide();
                let random = lane_bits(key, row as u32);
                let weight = &mut weights.raw[at][lane];
                if let Some(velocities) = &mut velocities {
                    let random = (lane_bits(velocity_key, row as u32), random);
                    let velocity = &mut velocities.raw[at][lane];
                    rule.follow((weight, velocity), sum, random, count.as_deref_mut());
                } else {
                    rule.apply(weight, sum, random, count.as_deref_mut());
                }
                if let Some(way_back) = &mut way_back {
                    rule.apply(&mut way_back.raw[at][lane], sum, random, count.as_deref_mut());
                }
            }
        }
        (c.taps() * c.rows()) as u64
    }
}

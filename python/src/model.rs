//! The bit-accurate model, and its training.

use crate::data::{self, Data};
use crate::design::Design;
use crate::signals::Listener;
use crate::{errors, trace};
use eqhdl::data::Dataset;
use eqhdl::design;
use eqhdl::lock::Lock;
use eqhdl::reference::checkpoint::Checkpoint;
use eqhdl::reference::counters::Counters;
use eqhdl::reference::fast::Fast;
use eqhdl::reference::train::{Plan, PlannedSample, Trainer, TrainingData};
use eqhdl::reference::weights::parts;
use eqhdl::reference::{Silent, Weights};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What a model knows. Behind a lock that nobody holds while it waits for Python.
#[derive(Clone)]
struct Known {
    weights: Weights,
    /// Samples learned: keys the random bits of the next.
    seen: u32,
    counters: Counters,
}

/// The bit-accurate model of a design.
#[pyclass(frozen, module = "eqhdl._eqhdl")]
pub struct Model {
    design: Arc<design::Design>,
    known: Mutex<Known>,
}

impl Model {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn weights_now(&self) -> Weights {
        self.known().weights.clone()
    }
}

#[pymethods]
impl Model {
    /// With the design's initial weights.
    #[new]
    fn new(design: &Design) -> Model {
        let known = Known {
            weights: Weights::initial(&design.meaning),
            seen: 0,
            counters: Counters::new(&design.meaning),
        };
        Model { design: design.meaning.clone(), known: Mutex::new(known) }
    }

    /// Trains from the initial weights (or the checkpoint): `eqhdl train`. `tick(done, total, epoch, accuracy)` every now and
    /// then; `on_epoch(epoch, train accuracy, test accuracy)` after each epoch: where it returns true, the training ends.
    ///
    /// Returns accuracies of each epoch (train, test), samples per second, cycles per sample.
    #[pyo3(signature = (data, epochs, checkpoint, resume, tick, on_epoch))]
    #[allow(clippy::too_many_arguments)] // Python's keywords, one each
    fn fit(
        &self,
        py: Python<'_>,
        data: &Data,
        epochs: Option<u32>,
        checkpoint: Option<PathBuf>,
        resume: bool,
        tick: Option<Py<PyAny>>,
        on_epoch: Option<Py<PyAny>>,
    ) -> PyResult<Course> {
        let mut design = (*self.design).clone();
        design.epochs = epochs.unwrap_or(design.epochs);
        if design.epochs == 0 {
            return Err(errors::design_message("epochs=0: a training has at least one epoch".to_owned()));
        }
        let dataset = data.dataset.clone();
        py.detach(|| self.train(&design, &dataset, checkpoint, resume, tick.as_ref(), on_epoch.as_ref()))
    }

    /// Learns these samples once, in their order, from where the model stands, at the first learning rates.
    fn partial_fit(&self, py: Python<'_>, data: &Data) -> PyResult<()> {
        let dataset = data.dataset.clone();
        py.detach(|| {
            let samples = TrainingData::new(&self.design, &dataset);
            let (weights, seen) = {
                let known = self.known();
                (known.weights.clone(), known.seen)
            };
            let mut network = Fast::new(&self.design, &weights);
            let (count, batch) = (dataset.train.len() as u32, self.design.batch);
            let mut listener = Listener::new();
            let (mut learned, mut stopped) = (0, None);
            for index in 0..count {
                let ends_batch = (index + 1) % batch == 0 || index + 1 == count;
                let number = seen.wrapping_add(index);
                let planned = PlannedSample { number, index, train: true, ends_batch, rates: 0 };
                let (input, label) = samples.sample(planned);
                network.set_sample(number);
                network.run(&input, label, planned.lesson(), &mut Silent);
                learned = index + 1;
                if ends_batch {
                    stopped = listener.hear();
                    if stopped.is_some() {
                        break;
                    }
                }
            }
            let mut known = self.known();
            known.weights = network.weights();
            known.seen = seen.wrapping_add(learned);
            stopped.map_or(Ok(()), Err)
        })
    }

    /// The classes that the core would read out, one per sample: sample i under the random bits of sample number i.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        design: &Design,
        x: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray1<u16>>> {
        let dataset = data::unlabelled(design, x)?;
        let made = py.detach(|| predictions(&self.design, &self.weights_now(), &dataset));
        Ok(PyArray1::from_vec(py, made))
    }

    /// SHA-256 of the weights.
    fn digest(&self, py: Python<'_>) -> String {
        py.detach(|| self.weights_now().digest())
    }

    /// Raw weights (rows: post-synaptic) and biases, by the names of `eqhdl train --save`.
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (weights, dict) = (self.weights_now(), PyDict::new(py));
        for part in parts(&self.design) {
            let (layer, columns) = (&weights.layers[part.layer], part.columns(&weights));
            let shape = (layer.rows, columns.len());
            let array = Array2::from_shape_fn(shape, |(r, c)| layer.get(r, columns.start + c));
            let array = array.into_pyarray(py);
            match part.bias {
                true => dict.set_item(part.name, array.reshape([layer.rows])?)?,
                false => dict.set_item(part.name, array)?,
            }
        }
        Ok(dict)
    }

    /// Formats of these, by the same names: as a design file writes them, and how many fraction bits they have.
    fn formats(&self) -> Vec<(String, String, i32)> {
        parts(&self.design).into_iter().map(|p| (p.name, p.format.to_string(), p.format.frac)).collect()
    }

    /// Takes one matrix of weights or biases (rows, columns): real numbers to the nearest of their format, or raw ones as they
    /// are. Returns the largest error of a value.
    fn set_weights(&self, name: &str, values: PyReadonlyArray2<'_, f64>, raw: bool) -> PyResult<f64> {
        let Some(part) = parts(&self.design).into_iter().find(|p| p.name == name) else {
            return Err(errors::data_message(format!("weights: this design has none called `{name}`")));
        };
        let mut known = self.known();
        let (rows, of) = (known.weights.layers[part.layer].rows, part.columns(&known.weights));
        let (columns, first) = (of.len(), of.start);
        let values = values.as_array();
        if values.dim() != (rows, columns) {
            let shape = if part.bias { format!("({rows},)") } else { format!("({rows}, {columns})") };
            return Err(errors::data_message(format!(
                "weights: `{name}` has shape {:?}; {shape} is needed: a row per post-synaptic neuron",
                values.shape()
            )));
        }
        let mut largest = 0f64;
        let mut new = known.weights.layers[part.layer].clone();
        for ((row, column), &value) in values.indexed_iter() {
            let fits = value.is_finite()
                && (!raw || (value >= part.format.min_raw() as f64 && value <= part.format.max_raw() as f64));
            if !fits {
                return Err(errors::data_message(format!(
                    "weights: `{name}`, row {row}, column {column} is {value}; {}",
                    if raw {
                        format!("raw values of {} are needed", part.format)
                    } else {
                        "every value must be finite".to_owned()
                    }
                )));
            }
            let kept = if raw { value as i64 } else { part.format.nearest(value) };
            if !raw {
                largest = largest.max((part.format.to_real(kept) - value).abs());
            }
            let at = new.at(row, first + column);
            new.raw[at] = kept as i32;
        }
        known.weights.layers[part.layer] = new;
        Ok(largest)
    }

    /// What the last `fit` has counted, a row per layer and signal: layer, signal, format, values, saturated, least, greatest
    /// (real numbers, none where nothing was seen), and of weights the updates lost to rounding.
    #[allow(clippy::type_complexity)] // a row of a table
    fn saturations(
        &self,
    ) -> Vec<(usize, &'static str, String, u64, u64, Option<f64>, Option<f64>, Option<u64>)> {
        let counters = self.known().counters.clone();
        let mut rows = Vec::new();
        for (i, layer) in counters.layers.iter().enumerate() {
            let (neurons, synapses) = (self.design.neurons[i], &self.design.synapses[i]);
            for (signal, format, s, lost) in [
                ("drive", neurons.drive, layer.drive, None),
                ("state", neurons.state, layer.state, None),
                ("weight", synapses.weight, layer.weight, Some(layer.lost_updates)),
            ] {
                let real = |raw| (s.values > 0).then(|| format.to_real(raw));
                rows.push((
                    i + 1,
                    signal,
                    format.to_string(),
                    s.values,
                    s.saturated,
                    real(s.min),
                    real(s.max),
                    lost,
                ));
            }
        }
        rows
    }

    /// One training sample, step by step, from the weights at hand, which stay; `number` keys its random bits.
    fn trace<'py>(&self, py: Python<'py>, data: &Data, number: u32) -> PyResult<Bound<'py, PyDict>> {
        let steps = py.detach(|| trace::steps(&self.design, &self.weights_now(), &data.dataset, number));
        trace::arrays(py, &self.design, &steps)
    }
}

/// Accuracies of each epoch (train, test), samples per second, cycles per sample.
type Course = (Vec<f64>, Vec<f64>, f64, Option<f64>);

type Asked<'a> = Option<&'a Py<PyAny>>;

impl Model {
    fn train(
        &self,
        design: &design::Design,
        dataset: &Dataset,
        checkpoint: Option<PathBuf>,
        resume: bool,
        tick: Asked<'_>,
        on_epoch: Asked<'_>,
    ) -> PyResult<Course> {
        let samples = TrainingData::new(design, dataset);
        let plan = Plan::new(design, dataset);
        let _ours =
            checkpoint.as_ref().map(|path| Lock::beside(path).map_err(errors::of_lock)).transpose()?;
        let found = match &checkpoint {
            Some(path) if resume => {
                Checkpoint::read(path, design, &samples.checksum, plan).map_err(errors::of_checkpoint)?
            }
            _ => None,
        };
        let cores = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        let mut trainer = match found {
            Some(c) => Trainer::resumed(design, &samples, plan, &c.weights, c.progress),
            None => Trainer::new(design, &samples, plan),
        }
        .on(cores);
        let keep = |trainer: &Trainer<'_>| {
            let progress = trainer.progress();
            let (weights, seen) = (trainer.weights(), progress.course.done as u32);
            *self.known() = Known { weights, seen, counters: progress.counters.clone() };
        };
        let save = |trainer: &Trainer<'_>| {
            let Some(path) = &checkpoint else { return Ok(()) };
            let checkpoint = Checkpoint { progress: trainer.progress().clone(), weights: trainer.weights() };
            checkpoint.write(path, design, &samples.checksum, plan).map_err(errors::of_checkpoint)
        };
        let (begun, before) = (Instant::now(), trainer.progress().course.done);
        let (mut listener, mut epoch) = (Listener::new(), trainer.epoch());
        let mut stop: Option<PyResult<()>> = None;
        while stop.is_none() || !trainer.is_between_batches() {
            if trainer.step().is_none() {
                break;
            }
            let course = &trainer.progress().course;
            if listener.is_due() {
                let told = Python::attach(|py| {
                    py.check_signals()?;
                    let state = (course.done, plan.total(), course.epoch(), course.running_accuracy(plan));
                    tick.map_or(Ok(()), |tick| tick.call1(py, state).map(|_| ()))
                });
                stop = told.err().map(Err).or(stop);
            }
            if trainer.epoch() != epoch {
                epoch = trainer.epoch();
                save(&trainer)?;
                if let Some(on_epoch) = on_epoch {
                    // Whoever is called may look at the model.
                    keep(&trainer);
                    let last = |all: Vec<f64>| all.last().copied().unwrap_or(0.0);
                    let scores = (last(course.train_accuracies(plan)), last(course.test_accuracies(plan)));
                    let told =
                        Python::attach(|py| on_epoch.call1(py, (epoch, scores.0, scores.1))?.is_truthy(py));
                    stop = match told {
                        Ok(true) => stop.or(Some(Ok(()))),
                        Ok(false) => stop,
                        Err(e) => Some(Err(e)),
                    };
                }
            }
        }
        keep(&trainer);
        if stop.is_some() {
            save(&trainer)?;
        }
        stop.unwrap_or(Ok(()))?;
        let progress = trainer.progress();
        let rate = (progress.course.done - before) as f64 / begun.elapsed().as_secs_f64().max(1e-9);
        let course = &progress.course;
        Ok((course.train_accuracies(plan), course.test_accuracies(plan), rate, progress.spent.mean()))
    }
}

/// Test samples under the weights, on all cores.
fn predictions(design: &design::Design, weights: &Weights, dataset: &Dataset) -> Vec<u16> {
    let samples = eqhdl::data::quantise(design, &dataset.train);
    let fresh = Fast::new(design, weights);
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut made = vec![0; samples.len()];
    let part = samples.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        for (k, made) in made.chunks_mut(part).enumerate() {
            let (mut network, samples) = (fresh.clone(), &samples);
            scope.spawn(move || {
                for (index, prediction) in (k * part..).zip(made) {
                    network.set_sample(index as u32);
                    *prediction = network.run(samples.raw_of(index), 0, false, &mut Silent);
                }
            });
        }
    });
    made
}

//! Every step of one sample, as arrays.

use eqhdl::data::Dataset;
use eqhdl::design::Design;
use eqhdl::network::KeptRecords;
use eqhdl::reference::fast::Fast;
use eqhdl::reference::train::{PlannedSample, TrainingData};
use eqhdl::reference::weights::shapes;
use eqhdl::reference::{Observer, StepView, Weights};
use eqhdl::rules::{Lesson, Moment, Program};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What was committed.
#[derive(Default)]
pub struct Steps {
    moments: Vec<Moment>,
    relaxed: Vec<bool>,
    learned: Vec<bool>,
    records: Vec<KeptRecords>,
    /// Of every step, layer, row, column.
    weights: Vec<Vec<Vec<i32>>>,
    prediction: u16,
}

struct Recorder<'d> {
    program: Program,
    shapes: &'d [(usize, usize)],
    lesson: Lesson,
    steps: Steps,
}

impl Observer for Recorder<'_> {
    fn step(&mut self, view: StepView<'_>) {
        let steps = &mut self.steps;
        steps.moments.push(self.program.moment(self.lesson, view.step));
        steps.relaxed.push(view.visits.relaxed);
        steps.learned.push(view.visits.learns());
        steps.records.push(view.records.keep());
        let layer = |(l, &(rows, columns)): (usize, &(usize, usize))| {
            let mut all = vec![0; rows * columns];
            let mut lanes = vec![0; rows];
            for column in 0..columns {
                view.weights.lanes(l, column, 0, &mut lanes);
                lanes.iter().enumerate().for_each(|(row, &w)| all[row * columns + column] = w);
            }
            all
        };
        steps.weights.push((1..).zip(self.shapes).map(layer).collect());
    }
}

/// Runs the first sample of a data set through the training program, as the last of its batch.
pub fn steps(design: &Design, weights: &Weights, dataset: &Dataset, number: u32) -> Steps {
    let data = TrainingData::new(design, dataset);
    let planned = PlannedSample { number, index: 0, train: true, ends_batch: true, rates: 0 };
    let (lesson, shapes) = (planned.lesson(), shapes(design));
    let mut recorder =
        Recorder { program: Program::of(design), shapes: &shapes, lesson, steps: Steps::default() };
    let (input, label) = data.sample(planned);
    let mut network = Fast::new(design, weights);
    network.set_sample(number);
    recorder.steps.prediction = network.run(&input, label, lesson, &mut recorder);
    recorder.steps
}

/// The same for Python; a row per step.
pub fn arrays<'py>(py: Python<'py>, design: &Design, steps: &Steps) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let moments = &steps.moments;
    dict.set_item("prediction", steps.prediction)?;
    dict.set_item("phase", moments.iter().map(|m| m.phase).collect::<Vec<_>>())?;
    dict.set_item("number", PyArray1::from_vec(py, moments.iter().map(|m| m.pass).collect()))?;
    dict.set_item("step", PyArray1::from_vec(py, moments.iter().map(|m| m.step).collect()))?;
    dict.set_item("relaxed", PyArray1::from_slice(py, &steps.relaxed))?;
    dict.set_item("learned", PyArray1::from_slice(py, &steps.learned))?;
    let neurons = design.neuron_count();
    let rows = |of: &dyn Fn(&KeptRecords) -> Vec<i32>| {
        let all: Vec<i32> = steps.records.iter().flat_map(of).collect();
        PyArray1::from_vec(py, all).reshape([steps.records.len(), neurons])
    };
    dict.set_item("states", rows(&|r| r.view().states.to_vec())?)?;
    dict.set_item("drives", rows(&|r| r.view().drives.to_vec())?)?;
    if design.is_complex() {
        dict.set_item("imaginary_states", rows(&|r| r.view().imaginary.to_vec())?)?;
        dict.set_item("imaginary_drives", rows(&|r| r.view().imaginary_drives.to_vec())?)?;
    }
    if design.network.has_corners() {
        dict.set_item("corners", rows(&|r| r.view().corners.to_vec())?)?;
    }
    let mut layers = Vec::new();
    for (l, (rows, columns)) in shapes(design).into_iter().enumerate() {
        let all: Vec<i32> = steps.weights.iter().flat_map(|w| w[l].iter().copied()).collect();
        layers.push(PyArray1::from_vec(py, all).reshape([steps.weights.len(), rows, columns])?);
    }
    dict.set_item("weights", layers)?;
    let spans: Vec<_> =
        design.network.layers().map(|l| (design.network.span(l).start, design.network.span(l).end)).collect();
    dict.set_item("spans", spans)?;
    let fractions: Vec<[i32; 2]> = design.neurons.iter().map(|n| [n.drive.frac, n.state.frac]).collect();
    let fractions = Array2::from_shape_fn((fractions.len(), 2), |(l, k)| fractions[l][k]);
    dict.set_item("fractions", fractions.into_pyarray(py))?;
    Ok(dict)
}
